//! Hashes as text: the property is `lykta_fuzz::hex`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lykta_fuzz::hex(data));
