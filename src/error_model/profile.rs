//! What a set says about an operator in a few numbers: how often each spatial class, and how often a fault shows at all.

use thiserror::Error;

use super::{Figures, Layers, Model, Models, ModelsError, NoLayer, Wanted};
use crate::pattern::SpatialClass;
use crate::text::shown;
use crate::weighted::quantile;

/// What was measured for an operator, in shares of 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The model, or the set of models: name and digest.
    pub id: String,
    /// Where the figures come from, where the file says so.
    pub source: Option<String>,
    /// The spatial classes that occur with their shares of the corrupted tensors.
    pub classes: Vec<(SpatialClass, Share)>,
    /// P(SDC): how many of all faults corrupt the output at all.
    pub sdc: Option<Share>,
    /// What the shares rest on.
    pub basis: Basis,
}

/// A share and how far it can be trusted, or `low` and `high` the same where nothing tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The share.
    pub share: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// What shares rest on, and with it what their intervals are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The file does not say.
    Unknown,
    /// So many corrupted tensors: the intervals are Wilson's of 95 % of a class's share.
    Tensors(u64),
    /// So many measured layers: the share of a class is the mean by their weights, that of P(SDC) the median, and the intervals
    /// reach from the 10th percentile to the 90th.
    Layers(usize),
    /// One measured layer, by name.
    Layer(String),
}

/// Why figures cannot be told.
#[derive(Debug, Error)]
pub enum FiguresError {
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

impl Models {
    /// What the set says about an operator.
    ///
    /// # Errors
    /// The set has nothing for it, its file is bad, or a layer is named that the set does not have.
    pub fn profile(&self, operator: &str, wanted: &Wanted) -> Result<Profile, FiguresError> {
        match self.figures(operator)? {
            Figures::Layers(layers) => Profile::of_layers(&layers, wanted),
            Figures::Operator(_) if wanted.named.is_some() => {
                Err(FiguresError::NotByLayer { set: self.name().to_owned() })
            }
            Figures::Operator(model) => Ok(Profile::of_model(&model)),
        }
    }
}

impl Profile {
    fn of_model(model: &Model) -> Self {
        let share = |share| model.tensors().map_or(Share::exactly(share), |of| Share::wilson(share, of));
        Profile {
            id: model.id(),
            source: model.source().map(str::to_owned),
            classes: model.classes().iter().map(|(frequency, class)| (class.class, share(frequency))).collect(),
            sdc: model.outcomes().map(|outcomes| Share::exactly(outcomes.sdc)),
            basis: model.tensors().map_or(Basis::Unknown, Basis::Tensors),
        }
    }

    fn of_layers(layers: &Layers, wanted: &Wanted) -> Result<Self, FiguresError> {
        let choice = layers.choose(wanted)?;
        let mut of_layers = Vec::new();
        for (weight, layer) in choice.layers.iter() {
            let model = layers.model(&layer.name).transpose().map_err(ModelsError::from)?;
            let mut shares = [0.0; SpatialClass::ALL.len()];
            for (frequency, class) in model.iter().flat_map(|model| model.classes().iter()) {
                shares[class.class as usize] += frequency;
            }
            of_layers.push((shares, weight));
        }
        let classes = SpatialClass::ALL.into_iter().map(|class| {
            let mut shares: Vec<_> =
                of_layers.iter().map(|(shares, weight)| (shares[class as usize], *weight)).collect();
            let share = shares.iter().map(|(share, weight)| share * weight).sum();
            (class, Share { share, low: quantile(&mut shares, 0.1), high: quantile(&mut shares, 0.9) })
        });
        let [low, share, high] = [0.1, 0.5, 0.9].map(|at| choice.sdc(at));
        Ok(Profile {
            id: layers.id(),
            source: Some(layers.source().to_owned()),
            classes: classes.filter(|(_, share)| share.share > 0.0).collect(),
            sdc: Some(Share { share, low, high }),
            basis: match choice.only() {
                Some(layer) => Basis::Layer(layer.name.clone()),
                None => Basis::Layers(of_layers.len()),
            },
        })
    }

    /// The share of a spatial class, 0 where it does not occur.
    pub fn share(&self, class: SpatialClass) -> Share {
        let found = self.classes.iter().find(|(there, _)| *there == class);
        found.map_or_else(|| self.basis.share_of_nothing(), |(_, share)| *share)
    }
}

impl Basis {
    /// What is known of a class that never occurred.
    fn share_of_nothing(&self) -> Share {
        match self {
            Basis::Tensors(of) => Share::wilson(0.0, *of),
            _ => Share::exactly(0.0),
        }
    }
}

impl Share {
    /// The standard normal distribution's 97.5th percentile.
    const Z: f64 = 1.959_963_984_540_054;

    fn exactly(share: f64) -> Self {
        Share { share, low: share, high: share }
    }

    /// With Wilson's interval of 95 % for a share of so many (J. Am. Stat. Assoc. 22, 1927, p. 209).
    fn wilson(share: f64, of: u64) -> Self {
        let (n, z2) = (of as f64, Self::Z * Self::Z);
        let middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let reach = Self::Z / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
        Share { share, low: (middle - reach).clamp(0.0, share), high: (middle + reach).clamp(share, 1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_wilsons() {
        // Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, 15 of 148, 0 of 20.
        for (count, of, low, high) in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)] {
            let found = Share::wilson(f64::from(count) / f64::from(of), of as u64);
            assert!((found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5, "{count} of {of}: {found:?}");
        }
    }

    #[test]
    fn a_set_of_layers_has_spreads_and_one_of_its_layers_has_none() {
        let models = Models::new("nvdla-8x8-int8".as_ref());
        let all = models.profile("conv", &Wanted::default()).unwrap();
        assert!(matches!(all.basis, Basis::Layers(39)), "{:?}", all.basis);
        assert!(all.classes.iter().any(|(_, share)| share.low < share.high));
        let total: f64 = all.classes.iter().map(|(_, share)| share.share).sum();
        assert!((total - 1.0).abs() < 1e-9, "{total}");
    }
}
