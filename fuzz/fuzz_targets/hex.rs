//! Hashes as text: the property is `lykta_hash::fuzz::hex`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lykta_hash::fuzz::hex(data));
