//! Sets of models as tables: tab-separated lines below a line of names.

use super::profile::{Basis, FiguresError, Profile};
use super::{Figures, Models, ModelsError, Outcomes, Wanted};
use crate::text::shown;

/// The operators of a set: operator, spatial class, its frequency, the model's id, the figures' source; P(SDC), with its 10th
/// and 90th percentile where several layers were measured, and the layer or how many there are.
///
/// # Errors
/// The folder cannot be read, models are bad (the problems of all of them), or a layer is named that the set does not have.
pub fn operators(models: &Models, wanted: &Wanted) -> Result<String, FiguresError> {
    let mut table =
        "operator\tspatial_class\tfrequency\tmodel\tsource\tsdc\tsdc_p10\tsdc_p90\tmeasured_on\n".to_owned();
    let mut bad = Vec::new();
    for operator in models.operators()? {
        match models.profile(&operator, wanted) {
            Ok(profile) => table += &lines(&operator, &profile),
            Err(FiguresError::Models(error)) => bad.push(error),
            Err(error) => return Err(error),
        }
    }
    match bad.len() {
        0 => Ok(table),
        1 => Err(bad.remove(0).into()),
        _ => Err(ModelsError::Several(bad).into()),
    }
}

/// The lines of an operator, one for each spatial class.
fn lines(operator: &str, profile: &Profile) -> String {
    let sdc = profile.sdc.map_or_else(
        || "unknown\tunknown\tunknown".to_owned(),
        |sdc| [sdc.share, sdc.low, sdc.high].map(share).join("\t"),
    );
    let (is_mean, measured_on) = match &profile.basis {
        Basis::Unknown | Basis::Tensors(_) => (false, "unknown".to_owned()),
        Basis::Layers(layers) => (true, format!("{layers} layers")),
        Basis::Layer(name) => (true, name.clone()),
    };
    let end = format!(
        "{}\t{}\t{sdc}\t{}",
        shown(&profile.id),
        shown(profile.source.as_deref().unwrap_or("unknown")),
        shown(&measured_on)
    );
    let line = |(class, of_class): &(_, super::profile::Share)| {
        let frequency = if is_mean { share(of_class.share) } else { format!("{:.6}", of_class.share) };
        format!("{}\t{class}\t{frequency}\t{end}\n", shown(operator))
    };
    profile.classes.iter().map(line).collect()
}

/// The layers of a set that was measured layer by layer: their sizes, what an injected fault led to, and how many corrupted
/// tensors each model rests on.
///
/// # Errors
/// The set was not measured layer by layer, or cannot be read.
pub fn layers(models: &Models) -> Result<String, FiguresError> {
    let mut table =
        "measured_on\tchannels_in\tchannels_out\tinput_size\toutput_size\tkernel_size\tmasked\tsdc\tcrashed\ttensors\n"
            .to_owned();
    let mut any = false;
    for operator in models.operators()? {
        let Figures::Layers(layers) = models.figures(&operator)? else { continue };
        any = true;
        for layer in layers.iter() {
            let Outcomes { masked, sdc, crashed } = layer.outcomes;
            table += &format!(
                "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
                layer.name,
                layer.channels_in,
                layer.channels_out,
                layer.side_in(),
                layer.side,
                layer.kernel,
                share(masked),
                share(sdc),
                share(crashed),
                layer.tensors
            );
        }
    }
    if any { Ok(table) } else { Err(FiguresError::NotByLayer { set: models.name().to_owned() }) }
}

/// A share with six digits, as the figures have them.
fn share(share: f64) -> String {
    // Printed and read back: what has fewer digits shows fewer.
    format!("{share:.5e}").parse().map_or_else(|_| share.to_string(), |rounded: f64| rounded.to_string())
}
