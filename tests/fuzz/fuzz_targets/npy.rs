#![no_main]

#[path = "../checks/npy.rs"]
mod npy;

libfuzzer_sys::fuzz_target!(|data: &[u8]| npy::check(data));
