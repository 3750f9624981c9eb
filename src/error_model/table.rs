//! Sets of models as tables: tab-separated lines below a line of names.

use thiserror::Error;

use super::{Figures, Layers, Models, ModelsError, NoLayer, Outcomes, Wanted};
use crate::pattern::SpatialClass;
use crate::text::shown;

/// Why there is no table.
#[derive(Debug, Error)]
pub enum TableError {
    /// A model is wrong, or there is none.
    #[error("{0}")]
    Models(#[from] ModelsError),
    /// No measured layer is chosen.
    #[error("{0}")]
    NoLayer(#[from] NoLayer),
    /// The set has no layers to choose from.
    #[error("{} was not measured layer by layer", shown(set))]
    NotByLayer {
        /// The set's name.
        set: String,
    },
}

/// The operators of a set: operator, spatial class, its frequency, the model's id, the figures' source; P(SDC), with its 10th
/// and 90th percentile where several layers were measured, and the layer or how many there are.
///
/// # Errors
/// The folder cannot be read, models are bad (the problems of all of them), or a layer is named that the set does not have.
pub fn operators(models: &Models, wanted: &Wanted) -> Result<String, TableError> {
    let mut table =
        "operator\tspatial_class\tfrequency\tmodel\tsource\tsdc\tsdc_p10\tsdc_p90\tmeasured_on\n".to_owned();
    let mut bad = Vec::new();
    for operator in models.operators()? {
        match models.figures(&operator) {
            Ok(Figures::Layers(layers)) => table += &of_layers(&operator, &layers, wanted)?,
            Ok(Figures::Operator(_)) if wanted.named.is_some() => {
                return Err(TableError::NotByLayer { set: models.name().to_owned() });
            }
            Ok(Figures::Operator(model)) => {
                let sdc = model.outcomes().map_or_else(|| "unknown".to_owned(), |Outcomes { sdc, .. }| share(sdc));
                let end = format!(
                    "{}\t{}\t{sdc}\t{sdc}\t{sdc}\tunknown",
                    shown(&model.id()),
                    shown(model.source().unwrap_or("unknown")),
                );
                for (frequency, class) in model.classes().iter() {
                    table += &format!("{}\t{}\t{frequency:.6}\t{end}\n", shown(&operator), class.class);
                }
            }
            Err(error) => bad.push(error),
        }
    }
    match bad.len() {
        0 => Ok(table),
        1 => Err(bad.remove(0).into()),
        _ => Err(ModelsError::Several(bad).into()),
    }
}

/// What the layers have between them that are drawn from: the mean frequency of each class by the layers' weights.
fn of_layers(operator: &str, layers: &Layers, wanted: &Wanted) -> Result<String, TableError> {
    let choice = layers.choose(wanted)?;
    let mut frequencies = [0.0; SpatialClass::ALL.len()];
    for (weight, layer) in choice.layers.iter() {
        let model = layers.model(&layer.name).transpose().map_err(ModelsError::from)?;
        for (frequency, class) in model.iter().flat_map(|model| model.classes().iter()) {
            frequencies[class.class as usize] += weight * frequency;
        }
    }
    let measured =
        choice.only().map_or_else(|| format!("{} layers", choice.layers.iter().count()), |layer| layer.name.clone());
    let [low, middle, high] = [0.1, 0.5, 0.9].map(|quantile| share(choice.sdc(quantile)));
    let mut lines = String::new();
    for (class, frequency) in SpatialClass::ALL.into_iter().zip(frequencies).filter(|(_, frequency)| *frequency > 0.0) {
        let (id, source) = (layers.id(), layers.source());
        let frequency = share(frequency);
        lines += &format!("{operator}\t{class}\t{frequency}\t{id}\t{source}\t{middle}\t{low}\t{high}\t{measured}\n");
    }
    Ok(lines)
}

/// The layers of a set that was measured layer by layer: their sizes, what an injected fault led to, and how many corrupted
/// tensors each model rests on.
///
/// # Errors
/// The set was not measured layer by layer, or cannot be read.
pub fn layers(models: &Models) -> Result<String, TableError> {
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
    if any { Ok(table) } else { Err(TableError::NotByLayer { set: models.name().to_owned() }) }
}

/// A share with six digits, as the figures have them.
fn share(share: f64) -> String {
    // Printed and read back: what has fewer digits shows fewer.
    format!("{share:.5e}").parse().map_or_else(|_| share.to_string(), |rounded: f64| rounded.to_string())
}
