//! What a tool tells beside its output, in words.

use crate::diff::{Compared, Notice};
use crate::edit::Inserted;
use crate::error_model::{Choice, Kernel, Rule};
use crate::estimate::{Estimator, Fitted};
use crate::harden::Hardened;
use crate::keras::version::Keras;
use crate::rewrite::{Report, RewriteOptions};
use crate::sites::run::{Note, RangeOf, Tally};
use crate::text::{shown, shown_path};

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
        Note::Extrapolated { model, shape } => format!(
            "{} was measured in images (H x W x C), not in the shape {shape}: the sites are extrapolated, and say so",
            shown(model)
        ),
        Note::Struck { model, shape, why } => format!("{} in {shape}: {why}", shown(model)),
        Note::Layers { set, choice } => format!("{set}, measured on integers: {}", layers(choice)),
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

/// The words for a tensor that is not compared, and whether that is a failure.
pub fn notice(notice: &Notice) -> (String, bool) {
    match notice {
        Notice::Failed(error) => (error.to_string(), true),
        Notice::Golden(path, error) => (format!("{}: its golden tensor: {error}", shown_path(path)), true),
        Notice::NoGolden(path) => {
            (format!("{}: no golden tensor behind a tab, and no --golden or --golden-for", shown_path(path)), true)
        }
        Notice::IsGolden(path) => (format!("{} is the golden tensor itself: passed over", shown_path(path)), false),
    }
}

/// What has become of tensors that were compared.
pub fn compared(compared: &Compared) -> Option<String> {
    let Compared { masked, .. } = compared;
    (*masked > 0).then(|| {
        format!("{masked} of {} tensors are as the golden one (classes-fit --masked {masked})", compared.all())
    })
}

/// What a fitted model leaves out or puts together, a line each.
pub fn fitted(estimator: &Estimator, fitted: &Fitted) -> Vec<String> {
    let mut words = Vec::new();
    if estimator.shapes() > 1 {
        words.push(format!(
            "{} sites of {} shapes: percents are of each, counts as they are",
            estimator.count(),
            estimator.shapes()
        ));
    }
    if estimator.masked() > 0 {
        words.push(format!(
            "{} sites had no wrong cell but NaN, which --conform drops: they count as masked",
            estimator.masked()
        ));
    }
    if !fitted.left_out.is_empty() {
        let classes: Vec<_> = fitted.left_out.iter().map(|(class, count)| format!("{class} {count}")).collect();
        words.push(format!("left out, too few sites: {}", classes.join(", ")));
    }
    let merged = fitted.classes.iter().filter_map(|class| class.merged.map(|merged| (class.class, merged)));
    let merged: Vec<_> = merged.map(|(class, (rows, sites))| format!("{class} {rows} ({sites} sites)")).collect();
    if !merged.is_empty() {
        words.push(format!("rows of less than 1 % of the sites are merged: {}", merged.join(", ")));
    }
    words
}

/// Which measured layers are drawn from, and P(SDC).
fn layers(choice: &Choice) -> String {
    let count = choice.layers.iter().count();
    let from = match (choice.rule, choice.only()) {
        (Rule::Named, Some(layer)) => format!("as on {layer}"),
        (Rule::Exact, Some(layer)) => format!("as on a layer of the same sizes, {layer}"),
        (Rule::Exact, None) => format!("as on {count} layers of the same sizes"),
        (Rule::Alike(kernel), _) => {
            let kernels = match kernel {
                Some(Kernel::Point) => " with kernels of 1x1",
                Some(Kernel::Larger) => " with kernels larger than 1x1",
                None => "",
            };
            format!(
                "no layer of the same sizes, each site draws one of {count}{kernels}, the likelier the nearer its area \
                 (--measured-on fixes one)"
            )
        }
        _ => format!("each site draws one of {count} layers"),
    };
    let [low, middle, high] = [0.1, 0.5, 0.9].map(|quantile| choice.sdc(quantile));
    match count {
        1 => format!("{from}; P(SDC) {middle:.1e}"),
        _ => format!("{from}; P(SDC) {middle:.1e}, for most {low:.1e} to {high:.1e}"),
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

/// What is to be known of a simulator that was inserted, a line each.
pub fn inserted(simulator: &Inserted) -> Vec<String> {
    let (name, after) = (shown(&simulator.name), shown(&simulator.after));
    let mut words = Vec::new();
    if simulator.renamed {
        words.push(format!("the name is taken, the simulator behind '{after}' is '{name}'"));
    }
    if let Some(activation) = &simulator.behind_activation {
        words.push(format!(
            "'{after}' applies {} itself, so faults land behind it; --split-activation puts them before",
            shown(activation)
        ));
    }
    if let Some((model, count)) = &simulator.in_model {
        words.push(format!("'{}' is called {count} times, and '{name}' plays in all of them", shown(model)));
    }
    if simulator.policy != "float32" {
        words.push(format!(
            "'{after}' computes in {}, and so will its simulator: the layer in classes_h5 does, CLASSES' own knows only float32",
            shown(&simulator.policy)
        ));
    }
    words
}

/// What was clipped, and what Keras needs for it.
pub fn hardened(hardened: &Hardened) -> String {
    let Hardened { by_relu, by_clip, .. } = hardened;
    let layers = by_relu + by_clip;
    let plural = if layers == 1 { "" } else { "s" };
    match by_clip {
        0 => format!("{layers} layer{plural} clipped, by Keras' own ReLU"),
        _ if *by_relu == 0 => format!("{layers} layer{plural} clipped, by the Clip in classes_h5"),
        _ => {
            format!("{layers} layer{plural} clipped, {by_relu} by Keras' own ReLU, {by_clip} by the Clip in classes_h5")
        }
    }
}

/// What was written, and for which Keras, a line each.
pub fn rewritten(options: &RewriteOptions, report: &Report) -> Vec<String> {
    let mut words = Vec::new();
    if report.bare_placeholders {
        words.push("placeholders without quotes were taken as if they had some".to_owned());
    }
    for (simulator, count) in &report.filled {
        let plural = if *count == 1 { "" } else { "s" };
        words.push(format!("'{}' plays {count} site{plural}", shown(simulator)));
    }
    if !report.renamed_outputs.is_empty() {
        let calls = report.renamed_outputs.iter().map(|(old, new)| format!("'{}' is '{}'", shown(old), shown(new)));
        let calls = calls.collect::<Vec<_>>().join(", ");
        let what = match report.training_follows {
            true => "the file's losses and metrics by name follow, labels by name need the new one",
            false => "losses, metrics and labels by name need the new one",
        };
        words.push(format!("outputs bear the names of their layers, and {calls} now: {what}"));
    }
    for (simulator, follows, others) in &report.drawn_for_others {
        let others: Vec<String> = others.iter().map(|other| format!("'{}'", shown(other))).collect();
        words.push(format!(
            "the sites of '{}', which follows '{}', were drawn for {}",
            shown(simulator),
            shown(follows),
            others.join(", ")
        ));
    }
    if !report.no_images.is_empty() {
        let simulators: Vec<String> = report.no_images.iter().map(|name| format!("'{}'", shown(name))).collect();
        words.push(format!(
            "{} in an output that is no image: the layer in classes_h5 plays there, CLASSES' own takes rank 4 alone",
            simulators.join(", ")
        ));
    }
    // Only a simulator makes a difference between the two.
    if report.simulators > 0 {
        let other = |other: &Keras| format!("; --keras {} if that shall load it", other.number());
        let other: String = report.others.iter().map(other).collect();
        let why = match (&report.written_by, options.keras) {
            (Some(version), _) => format!(" (MODEL was written by {}{other})", shown(version)),
            (None, None) => format!(" (MODEL does not say who wrote it{other})"),
            _ => String::new(),
        };
        let is = if options.check { "would be" } else { "is" };
        words.push(format!("{} {is} for Keras {}{why}", shown_path(&options.out), report.keras.number()));
    }
    words
}
