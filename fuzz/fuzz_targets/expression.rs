#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| malpan_e2e::fuzzing::expression(data));
