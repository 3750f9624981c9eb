//! How fast sites are drawn and written as lines: sites per second and cells a site for each operator.
//!
//! `cargo bench --bench sites`, or with a filter: `cargo bench --bench sites -- 112x112x64/conv_gemm`.

use std::hint::black_box;
use std::io;
use std::thread;
use std::time::Duration;

use classes_h5::draw::{Options, Sampler};
use classes_h5::error_model::Models;
use classes_h5::layout::Shape;
use classes_h5::pattern::Rows;
use classes_h5::progress::Progress;
use classes_h5::sites::drawn::Drawing;
use classes_h5::sites::lines::write;
use classes_h5::value::Range;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// How many sites one measurement draws.
const SITES: u64 = 400;

fn drawing(set: &str, operator: &str, shape: Shape) -> Drawing {
    let range = Range::new(-30.0, 30.0).expect("a range");
    let options = Options { range, rows: Rows::All, spatial_class: None, value_class: None };
    let model = Models::new(set.as_ref()).load(operator).expect("a model");
    let sampler = Sampler::new(&model, shape, &options, 7).expect("something to draw");
    Drawing { sampler, first: 0, count: SITES, layer: None }
}

fn cells(drawing: &Drawing) -> u64 {
    let mut drawn = drawing.sampler.room();
    let cells = |index| {
        drawing.sampler.draw(index, &mut drawn);
        drawn.places().len() as u64
    };
    (0..SITES).map(cells).sum()
}

fn lines(criterion: &mut Criterion) {
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    for (h, w, c) in [(27, 27, 16), (56, 56, 64), (112, 112, 64)] {
        let shape = Shape::new(h, w, c).expect("a shape");
        for set in ["gpu-warp", "gpu-thread"] {
            let mut group = criterion.benchmark_group(format!("{shape}/{set}"));
            group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
            for operator in Models::new(set.as_ref()).operators().expect("operators") {
                let drawing = drawing(set, &operator, shape);
                let cells = cells(&drawing);
                group.throughput(Throughput::Elements(SITES));
                group.bench_function(format!("{operator}, {} cells a site", cells / SITES), |bencher| {
                    bencher.iter(|| write(drawing.source(jobs), jobs, black_box(io::sink()), &Progress::silent()));
                });
            }
        }
    }
}

criterion_group!(benches, lines);
criterion_main!(benches);
