//! What a tool tells beside its output, in words.

use crate::sites::run::{Note, RangeOf, Tally};
use crate::text::shown;

/// The words for a choice that the user did not make.
pub fn note(note: &Note) -> String {
    match note {
        Note::Seed(seed) => format!("seed {seed} (drawn: --seed {seed} makes the same sites)"),
        Note::DefaultModels => {
            "models: gpu-warp (a whole warp struck; --models gpu-thread is the milder set of one thread)".to_owned()
        }
        Note::Activation { layer, operator, activation } => format!(
            "'{}' computes {operator} and then {}: the faults are those of {operator}",
            shown(layer),
            shown(activation)
        ),
        Note::Struck { model, shape, why } => format!("{} in {shape}: {why}", shown(model)),
        Note::Range { range, of } => {
            let words = format!("golden range {} to {}", range.min(), range.max());
            match of {
                RangeOf::Array => words,
                RangeOf::Measured(of) => format!("{words}, that of {of}"),
                RangeOf::Operator(operator) => format!(
                    "{words} (that of {operator}; --range-min and --range-max, --ranges or --golden set another)"
                ),
                RangeOf::Default => {
                    format!("{words} (the default, not measured: --ranges or --golden give the layer's own)")
                }
            }
        }
    }
}

/// What a run must own up to, a line each.
pub fn tally(tally: &Tally) -> Vec<String> {
    let mut words = Vec::new();
    let drawn: u64 = tally.classes().map(|(_, counts)| counts.drawn).sum();
    let other: u64 = tally.classes().map(|(_, counts)| counts.other).sum();
    let capped: u64 = tally.classes().map(|(_, counts)| counts.capped).sum();
    if other > 0 {
        let by_class: Vec<_> = tally
            .classes()
            .filter(|(_, counts)| counts.other > 0)
            .map(|(class, counts)| format!("{class} {} of {}", counts.other, counts.drawn))
            .collect();
        words.push(format!(
            "{other} of {drawn} sites do not meet their class's definition (\"as_defined\": false): {}",
            by_class.join(", ")
        ));
    }
    if capped > 0 {
        words.push(format!(
            "{capped} of {drawn} sites come from percents measured on smaller tensors, so that an absolute cap decided \
             (\"capped\": true; --rows fitting leaves such parameters out)"
        ));
    }
    words
}
