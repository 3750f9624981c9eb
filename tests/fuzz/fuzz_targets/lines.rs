#![no_main]

#[path = "../checks/lines.rs"]
mod lines;
#[path = "../mutate.rs"]
mod mutate;

libfuzzer_sys::fuzz_target!(|data: &[u8]| lines::check(data));
libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
    mutate::json(data, size, most, seed)
});
