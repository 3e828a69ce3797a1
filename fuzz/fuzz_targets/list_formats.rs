//! Hash lists, packed too, in one format at a time: the property is `lykta_list::fuzz::list_formats`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lykta_list::fuzz::list_formats(data));
