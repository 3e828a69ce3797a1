//! Hash lists in every format: the property is `lykta_list::fuzz::list_csv`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lykta_list::fuzz::list_csv(data));
