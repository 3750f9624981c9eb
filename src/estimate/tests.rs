//! Fitted models, beside those that their sites were drawn from.

use std::collections::BTreeMap;

use super::tally::Mix;
use super::*;
use crate::draw::{Options, Sampler};
use crate::error_model::{Figures, Model, Models, Wanted};
use crate::pattern::{Rows, SpatialClass};
use crate::value::Range;

/// Sites that are drawn from each model.
const SITES: u64 = 2000;

/// The most that a normal deviate may be: one test in 300,000 is beyond it by chance, and there are some hundreds here.
const DEVIATE: f64 = 4.5;

fn options() -> Options {
    Options { range: Range::new(-4.0, 12.0).unwrap(), rows: Rows::All, spatial_class: None, value_class: None }
}

fn count(sampler: &Sampler, n: u64) -> Estimator {
    let mut estimator = Estimator::new(false);
    let mut drawn = sampler.room();
    for index in 0..n {
        sampler.draw(index, &mut drawn);
        let mut cells: Vec<Wrong> = drawn
            .places()
            .iter()
            .zip(drawn.cells())
            .map(|(&cell, (_, class))| Wrong { cell, class: class.unwrap(), is_nan: class == Some(ValueClass::Nan) })
            .collect();
        estimator.add(sampler.shape(), &mut cells);
    }
    estimator
}

/// How far apart two lists of counts are, as a normal deviate: a chi-square test of whether both follow the same shares, cells of
/// less than ten counts pooled.
fn deviate(a: &[f64], b: &[f64]) -> f64 {
    let (of_a, of_b): (f64, f64) = (a.iter().sum(), b.iter().sum());
    let (mut cells, mut pooled) = (Vec::new(), (0.0, 0.0));
    for (&x, &y) in a.iter().zip(b) {
        if x + y < 10.0 { pooled = (pooled.0 + x, pooled.1 + y) } else { cells.push((x, y)) }
    }
    if pooled.0 + pooled.1 >= 10.0 {
        cells.push(pooled);
    }
    if cells.len() < 2 {
        return 0.0;
    }
    let chi = |&(x, y): &(f64, f64)| {
        let (for_a, for_b) = ((x + y) * of_a / (of_a + of_b), (x + y) * of_b / (of_a + of_b));
        (x - for_a).powi(2) / for_a + (y - for_b).powi(2) / for_b
    };
    let chi: f64 = cells.iter().map(chi).sum();
    let freedom = (cells.len() - 1) as f64;
    let spread = 2.0 / (9.0 * freedom);
    ((chi / freedom).cbrt() - (1.0 - spread)) / spread.sqrt()
}

/// The counts of two tallies side by side, under the names that `name` gives what either has; all without one are together.
fn beside<K>(
    a: impl Iterator<Item = (K, u64)>,
    b: impl Iterator<Item = (K, u64)>,
    name: impl Fn(&K) -> Option<String>,
) -> f64 {
    let mut rows: BTreeMap<Option<String>, (f64, f64)> = BTreeMap::new();
    a.for_each(|(key, count)| rows.entry(name(&key)).or_default().0 += count as f64);
    b.for_each(|(key, count)| rows.entry(name(&key)).or_default().1 += count as f64);
    let (a, b): (Vec<f64>, Vec<f64>) = rows.into_values().unzip();
    deviate(&a, &b)
}

/// Fits a model to what `sampler` draws, draws from that, and compares the counts of both.
fn comes_back(what: &str, sampler: &Sampler) {
    let first = count(sampler, SITES);
    let fitted = first.model().unwrap();
    let mut text = Vec::new();
    fitted.write(&Remarks::default(), &mut text).unwrap();
    let again = Model::parse("own/fitted", "fitted.json", &text).unwrap();
    let second = count(&Sampler::new(&again, sampler.shape(), &options(), 12).unwrap(), SITES);

    let left_out: Vec<SpatialClass> = fitted.left_out.iter().map(|(class, _)| *class).collect();
    let kept = || SpatialClass::ALL.into_iter().filter(|class| !left_out.contains(class));
    let classes = |counted: &Estimator| kept().map(|c| counted.tallies[c as usize].count as f64).collect::<Vec<_>>();
    let apart = deviate(&classes(&first), &classes(&second));
    assert!(apart < DEVIATE, "{what}: spatial classes: {apart:.1}");
    for class in kept() {
        let (a, b) = (&first.tallies[class as usize], &second.tallies[class as usize]);
        // Rare rows are merged in the fitted model.
        let is_rare = |count: u64| (count as f64) < 0.01 * SITES as f64;
        let apart = beside(
            a.rows.iter().map(|(key, row)| (key, row.count)),
            b.rows.iter().map(|(key, row)| (key, row.count)),
            |key| a.rows.get(*key).filter(|row| !is_rare(row.count)).map(|_| format!("{key:?}")),
        );
        assert!(apart < DEVIATE, "{what}: parameters of {class}: {apart:.1}");
        let apart = beside(
            a.mixes.iter().map(|(key, row)| (key, row.count)),
            b.mixes.iter().map(|(key, row)| (key, row.count)),
            |key| a.mixes.get(*key).filter(|row| !is_rare(row.count) && **key != Mix::More).map(|_| format!("{key:?}")),
        );
        assert!(apart < DEVIATE, "{what}: value mixes of {class}: {apart:.1}");
    }
}

#[test]
fn what_is_drawn_from_a_model_fits_one_that_draws_the_same() {
    let shape = Shape::new(28, 28, 64).unwrap();
    for set in ["gpu-warp", "gpu-thread"] {
        let models = Models::new(set.as_ref());
        for operator in models.operators().unwrap() {
            let model = models.load(&operator).unwrap();
            comes_back(&format!("{set}/{operator}"), &Sampler::new(&model, shape, &options(), 11).unwrap());
        }
    }
}

#[test]
fn what_is_drawn_from_measured_layers_fits_one_model_that_draws_the_same() {
    let shape = Shape::new(28, 28, 64).unwrap();
    for set in ["nvdla-8x8-int8", "nvdla-32x32-int16"] {
        let models = Models::new(set.as_ref());
        let Figures::Layers(layers) = models.figures("conv").unwrap() else { panic!("{set} has layers") };
        let choice = layers.choose(&Wanted { output: Some(shape), convolution: None, named: None }).unwrap();
        comes_back(set, &Sampler::among(&layers, &choice, shape, &options(), 11).unwrap());
    }
}
