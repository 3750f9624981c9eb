//! The models that ship account for every row of the figures they were made from.

use std::collections::BTreeMap;

use classes_h5::error_model::Models;
use classes_h5::weighted::Weighted;

/// Set, operator, spatial class; its frequency, the weights of its value mixes and of its parameter sets, and how many
/// parameter choices these sets hold: taken from the figures, not from the models.
const ROWS: &str = include_str!("data/model-rows.tsv");

fn weights(text: &str) -> Vec<f64> {
    text.split(' ').map(|weight| weight.parse().unwrap()).collect()
}

/// The figures are not normalised, the models are.
fn same<T>(what: &str, model: &Weighted<T>, figures: &[f64]) {
    let sum: f64 = figures.iter().sum();
    assert!((sum - 1.0).abs() < 1e-4, "{what}: the figures sum to {sum}");
    let model: Vec<f64> = model.iter().map(|(weight, _)| weight).collect();
    assert_eq!(model.len(), figures.len(), "{what}");
    for (model, figure) in model.iter().zip(figures) {
        assert!((model - figure / sum).abs() < 1e-12, "{what}: {model} is not {figure}");
    }
}

#[test]
fn every_row_of_the_figures_is_in_a_model() {
    let mut classes: BTreeMap<(&str, &str), Vec<(&str, f64)>> = BTreeMap::new();
    let mut rows = 0;
    for row in ROWS.lines().skip(1) {
        let [set, operator, class, frequency, mixes, sets, choices] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{row}: not seven columns");
        };
        let model = Models::new(set.as_ref()).load(operator).unwrap();
        let (_, found) = model.classes().iter().find(|(_, there)| there.class.name() == class).unwrap();
        same(&format!("mixes of {row}"), &found.mixes, &weights(mixes));
        same(&format!("parameter sets of {row}"), &found.patterns, &weights(sets));
        assert_eq!(choices_in(set, operator, class), choices.parse::<usize>().unwrap(), "{row}");
        rows += 1 + weights(mixes).len() + weights(sets).len();
        classes.entry((set, operator)).or_default().push((class, frequency.parse().unwrap()));
    }
    assert_eq!(rows, 780);
    for ((set, operator), figures) in &classes {
        let model = Models::new(set.as_ref()).load(operator).unwrap();
        let names: Vec<_> = model.classes().iter().map(|(_, class)| class.class.name()).collect();
        assert_eq!(names, figures.iter().map(|(class, _)| *class).collect::<Vec<_>>(), "{set}/{operator}");
        same(operator, model.classes(), &figures.iter().map(|(_, weight)| *weight).collect::<Vec<_>>());
    }
    for (set, count) in [("gpu-warp", 12), ("gpu-thread", 8)] {
        assert_eq!(classes.keys().filter(|(there, _)| *there == set).count(), count);
        assert_eq!(Models::new(set.as_ref()).operators().unwrap().len(), count);
    }
}

/// The values of all parameters in the file, choices counted one by one.
fn choices_in(set: &str, operator: &str, class: &str) -> usize {
    let text = std::fs::read_to_string(format!("models/{set}/{operator}.json")).unwrap();
    let model: serde_json::Value = serde_json::from_str(&text).unwrap();
    let sets = model[class]["parameters"].as_array().unwrap();
    let parts = sets.iter().flat_map(|set| [&set["keys"], &set["stats"]]);
    let values = parts.flat_map(|part| part.as_object().unwrap().values());
    values.map(|value| value["RANDOM"].as_array().map_or(1, Vec::len)).sum()
}
