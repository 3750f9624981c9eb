//! An error model is read, fitted to small tensors, and drawn.

use classes_h5::classify::Classifier;
use classes_h5::draw::{Options, Sampler};
use classes_h5::error_model::{Model, Plan};
use classes_h5::fault::Fault;
use classes_h5::layout::Shape;
use classes_h5::pattern::Rows;
use classes_h5::sites::lines::{Reader, Writer};
use classes_h5::value::Range;

const SHAPES: [(usize, usize, usize); 5] = [(1, 1, 1), (1, 5, 2), (4, 3, 7), (9, 8, 5), (20, 16, 3)];

pub fn check(data: &[u8]) {
    let model = match Model::parse("own/fuzz", "fuzz.json", data) {
        Ok(model) => model,
        Err(error) => {
            assert!(!error.problems.is_empty());
            assert!(!error.to_string().contains(|c: char| c.is_control() && c != '\n'), "{error}");
            return;
        }
    };
    let shares: f64 = model.classes().iter().map(|(weight, _)| weight).sum();
    assert!((shares - 1.0).abs() < 1e-9, "the frequencies sum to {shares}");
    let range = Range::new(-1.5, 2.0).expect("a range");
    for (h, w, c) in SHAPES {
        let shape = Shape::new(h, w, c).expect("a shape");
        for rows in [Rows::All, Rows::Fitting] {
            let options = Options { range, rows, spatial_class: None, value_class: None };
            if let Ok(sampler) = Sampler::new(&model, shape, &options, 7) {
                what_is_struck_is_a_share(sampler.plan().expect("of a model"));
                sites_are_what_they_say(&sampler, shape);
            }
        }
    }
}

fn what_is_struck_is_a_share(plan: &Plan) {
    let share: f64 = plan.struck.iter().map(|struck| struck.share).sum();
    assert!((0.0..1.0 + 1e-9).contains(&share), "{share} of the weight is struck");
    assert_eq!(plan.struck_words().is_none(), plan.struck.is_empty());
}

fn sites_are_what_they_say(sampler: &Sampler, shape: Shape) {
    let writer = Writer::new(sampler, None);
    let mut drawn = sampler.room();
    let mut classifier = Classifier::new(shape);
    for index in 0..3 {
        sampler.draw(index, &mut drawn);
        let places = drawn.places();
        assert!(!places.is_empty());
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "ascending, none twice");
        assert!(places.iter().all(|&place| (place as usize) < shape.cells()));
        let pattern = drawn.pattern().expect("of a model");
        assert_eq!(classifier.class(places) == pattern.class, pattern.as_defined);

        let mut line = Vec::new();
        writer.write(&drawn, &mut line).expect("memory");
        let read = Reader::new(line.as_slice()).next().expect("a line").expect("a site");
        let site = drawn.site();
        assert_eq!(read.shape, site.shape);
        assert!(read.cells.iter().map(bits).eq(site.cells.iter().map(bits)));
    }
}

fn bits(cell: &classes_h5::fault::Cell) -> (usize, usize, usize, u32) {
    match cell.fault {
        Fault::Value(value) => (cell.h, cell.w, cell.c, value.to_bits()),
        Fault::Bit(_) => panic!("a model flips no bits"),
    }
}
