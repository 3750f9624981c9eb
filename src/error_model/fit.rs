//! Fits a model to a tensor: what cannot be drawn there is struck, once, so that drawing cannot fail.

use thiserror::Error;

use super::{Model, ModelError};
use crate::layout::Shape;
use crate::pattern::{Fit, Fitted, Rows, SpatialClass, Unfit};
use crate::value::Mix;
use crate::weighted::Weighted;

/// What sites of one shape are drawn from.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The models: one, or one for each measured layer.
    pub parts: Weighted<Part>,
    /// What of them cannot be drawn.
    pub struck: Vec<Struck>,
}

/// A model as it is drawn in tensors of one shape.
#[derive(Clone, Debug)]
pub struct Part {
    /// The name of the layer that it was measured on, where the set tells.
    pub layer: Option<String>,
    /// P(SDC) of what was measured: the share of faults that corrupted the output at all, where the figures tell.
    pub p_sdc: Option<f64>,
    /// What can be drawn, the weights normalised again.
    pub classes: Weighted<FittedClass>,
}

/// A spatial class as it is drawn in tensors of one shape.
#[derive(Clone, Debug)]
pub struct FittedClass {
    /// The shape of its sites.
    pub class: SpatialClass,
    /// Which values appear together.
    pub mixes: Weighted<Mix>,
    /// The parameter sets that can be drawn, and which choices of each.
    pub patterns: Weighted<Fitted>,
}

/// A part of a model that cannot be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Struck {
    /// The spatial class that loses it.
    pub class: SpatialClass,
    /// Its share of the model's weight, 0 to 1: parameter sets by their weight, choices as a share of their set's.
    pub share: f64,
    /// The reasons, each once.
    pub why: Vec<Unfit>,
}

/// Why no site can be drawn at all.
#[derive(Debug, Error, PartialEq)]
pub enum FitError {
    /// The spatial class that is wanted is not in the model.
    #[error("{model} has no spatial class {class}: it has {there}")]
    NoClass {
        /// The model's id.
        model: String,
        /// The spatial class.
        class: SpatialClass,
        /// Those that the model has, for people.
        there: String,
    },
    /// All that is wanted was struck.
    #[error("nothing of {model} can be drawn in {shape}: {why}")]
    Nothing {
        /// The model's id.
        model: String,
        /// The shape of the tensors.
        shape: Shape,
        /// What was struck and why, for people.
        why: String,
    },
    /// The model is wrong.
    #[error("{0}")]
    Model(#[from] ModelError),
}

impl Model {
    /// Fits the model to tensors of `shape`; `only` one spatial class where that is given.
    ///
    /// # Errors
    /// The model does not have the spatial class, or nothing that is left can be drawn.
    pub fn fit(&self, shape: Shape, rows: Rows, only: Option<SpatialClass>) -> Result<Plan, FitError> {
        if let Some(class) = only
            && self.classes().iter().all(|(_, there)| there.class != class)
        {
            let there: Vec<_> = self.classes().iter().map(|(_, class)| class.class.name()).collect();
            return Err(FitError::NoClass { model: self.id(), class, there: there.join(", ") });
        }
        let (classes, struck) = self.fitted(shape, rows, only);
        let p_sdc = self.outcomes().map(|outcomes| outcomes.sdc);
        match classes.and_then(|classes| Weighted::new(vec![(1.0, Part { layer: None, p_sdc, classes })])) {
            Some(parts) => Ok(Plan { parts, struck }),
            None => Err(FitError::Nothing { model: self.id(), shape, why: reasons(&struck) }),
        }
    }

    /// What can be drawn in tensors of `shape`, if anything, and what cannot.
    pub(super) fn fitted(
        &self,
        shape: Shape,
        rows: Rows,
        only: Option<SpatialClass>,
    ) -> (Option<Weighted<FittedClass>>, Vec<Struck>) {
        let wanted = || self.classes().iter().filter(|(_, class)| only.is_none_or(|only| only == class.class));
        let total: f64 = wanted().map(|(weight, _)| weight).sum();
        let mut classes = Vec::new();
        let mut struck = Vec::new();
        for (weight, class) in wanted() {
            let mut lost = Struck { class: class.class, share: 0.0, why: Vec::new() };
            let mut patterns = Vec::new();
            for (conditional, pattern) in class.patterns.iter() {
                let mut fit = Fit::new(shape, rows);
                patterns.extend(pattern.fit(&mut fit).map(|fitted| (conditional, fitted)));
                lost.share += weight / total * conditional * (1.0 - fit.kept);
                lost.why.append(&mut fit.why);
            }
            if !lost.why.is_empty() {
                lost.tidy();
                struck.push(lost);
            }
            if let Some(patterns) = Weighted::new(patterns) {
                classes.push((weight, FittedClass { class: class.class, mixes: class.mixes.clone(), patterns }));
            }
        }
        (Weighted::new(classes), struck)
    }
}

impl Struck {
    /// What the same class loses elsewhere.
    pub(super) fn add(&mut self, other: Struck) {
        self.share += other.share;
        self.why.extend(other.why);
        self.tidy();
    }

    fn tidy(&mut self) {
        self.why.sort_unstable();
        self.why.dedup();
    }
}

impl Plan {
    /// What was struck, in words: the share, and why by spatial class. `None` where nothing was.
    pub fn struck_words(&self) -> Option<String> {
        let share: f64 = self.struck.iter().map(|struck| struck.share).sum();
        (!self.struck.is_empty())
            .then(|| format!("{:.3} % of the weight cannot be drawn: {}", 100.0 * share, reasons(&self.struck)))
    }

    /// The only model, where there is one.
    pub fn only(&self) -> Option<&Part> {
        let mut parts = self.parts.iter();
        let (_, first) = parts.next()?;
        parts.next().is_none().then_some(first)
    }
}

pub(super) fn reasons(struck: &[Struck]) -> String {
    let class = |struck: &Struck| {
        let why: Vec<_> = struck.why.iter().map(Unfit::to_string).collect();
        format!("{} ({})", struck.class, why.join(", "))
    };
    struck.iter().map(class).collect::<Vec<_>>().join("; ")
}
