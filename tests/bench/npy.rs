//! How fast sites are written as NumPy files, beside a plain sequential write of as many bytes.
//!
//! `cargo bench --bench npy`; the files go to the folder for temporary files.

use std::fs::File;
use std::io::Write;

use classes_h5::draw::{Options, Sampler};
use classes_h5::error_model::Models;
use classes_h5::layout::{DataFormat, Shape};
use classes_h5::pattern::Rows;
use classes_h5::progress::Progress;
use classes_h5::sites::drawn::Drawing;
use classes_h5::sites::npy::write;
use classes_h5::value::Range;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const SITES: u64 = 100;

fn npy(criterion: &mut Criterion) {
    let shape = Shape::new(112, 112, 64).expect("a shape");
    let bytes = SITES * 2 * 4 * shape.cells() as u64;
    let folder = tempfile::tempdir().expect("a folder");
    let mut group = criterion.benchmark_group(format!("{shape}"));
    group.sample_size(10).throughput(Throughput::Bytes(bytes));

    let chunk = vec![1u8; 1 << 20];
    group.bench_function("plain write", |bencher| {
        bencher.iter(|| {
            for name in ["a", "b"] {
                let mut out = File::create(folder.path().join(name)).expect("a file");
                let mut left = bytes / 2;
                while left > 0 {
                    let length = left.min(chunk.len() as u64);
                    out.write_all(&chunk[..length as usize]).expect("room on the disk");
                    left -= length;
                }
            }
        });
    });
    for operator in ["conv_gemm", "relu"] {
        let range = Range::new(-30.0, 30.0).expect("a range");
        let options = Options { range, rows: Rows::All, spatial_class: None, value_class: None };
        let model = Models::default().load(operator).expect("a model");
        let sampler = Sampler::new(&model, shape, &options, 7).expect("something to draw");
        let drawing = Drawing { sampler, first: 0, count: SITES, layer: None };
        for (format, jobs) in
            [(DataFormat::ChannelsLast, 1), (DataFormat::ChannelsLast, 2), (DataFormat::ChannelsFirst, 1)]
        {
            group.bench_function(format!("{operator}, {format}, {jobs} threads"), |bencher| {
                let silent = Progress::silent();
                bencher.iter(|| write(drawing.source(jobs), jobs, folder.path(), format, &silent).expect("room"));
            });
        }
    }
}

criterion_group!(benches, npy);
criterion_main!(benches);
