#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| malpan_fuzz::within_memory(data, malpan_e2e::fuzzing::server_frames));
