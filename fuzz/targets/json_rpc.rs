//! libFuzzer on `json_rpc` (`.ci/fuzz`).

#![no_main]

use intervalo_fuzz::Target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| Target::JsonRpc.must_hold(input));
