//! libFuzzer on `company_toml` (`.ci/fuzz`).

#![no_main]

use intervalo_fuzz::Target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| Target::CompanyToml.must_hold(input));
