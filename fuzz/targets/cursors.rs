//! libFuzzer on `cursors` (`.ci/fuzz`).

#![no_main]

use intervalo_fuzz::Target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| Target::Cursors.must_hold(input));
