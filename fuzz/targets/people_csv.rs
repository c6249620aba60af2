//! libFuzzer on `people_csv` (`.ci/fuzz`).

#![no_main]

use intervalo_fuzz::Target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| Target::PeopleCsv.must_hold(input));
