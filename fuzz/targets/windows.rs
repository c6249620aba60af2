//! libFuzzer on `windows` (`.ci/fuzz`).

#![no_main]

use intervalo_fuzz::Target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| Target::Windows.must_hold(input));
