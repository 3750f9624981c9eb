//! Fits the chosen layers of a set to a tensor.

use super::{Choice, Layers};
use crate::error_model::Model;
use crate::error_model::fit::{FitError, Part, Plan, Struck, reasons};
use crate::layout::Shape;
use crate::pattern::{Rows, SpatialClass};
use crate::weighted::Weighted;

impl Layers {
    /// Fits each of the chosen layers to tensors of `shape`; `only` one spatial class where that is given, which makes the
    /// layers the likelier the more often they have it.
    ///
    /// # Errors
    /// None of the layers has the spatial class, or nothing that is left can be drawn.
    pub fn fit(&self, choice: &Choice, shape: Shape, rows: Rows, only: Option<SpatialClass>) -> Result<Plan, FitError> {
        let mut parts = Vec::new();
        let mut struck: Vec<Struck> = Vec::new();
        let mut there: Vec<SpatialClass> = Vec::new();
        let mut total = 0.0;
        for (weight, layer) in choice.layers.iter() {
            let Some(model) = self.model(&layer.name).transpose()? else { continue };
            there.extend(model.classes().iter().map(|(_, class)| class.class));
            let weight = weight * share(&model, only);
            if weight == 0.0 {
                continue;
            }
            total += weight;
            let (fitted, lost) = model.fitted(shape, rows, only);
            let (name, p_sdc) = (Some(layer.name.clone()), Some(layer.outcomes.sdc));
            parts.extend(fitted.map(|classes| (weight, Part { layer: name, p_sdc, classes })));
            for mut lost in lost {
                lost.share *= weight;
                match struck.iter_mut().find(|before| before.class == lost.class) {
                    Some(before) => before.add(lost),
                    None => struck.push(lost),
                }
            }
        }
        struck.iter_mut().for_each(|struck| struck.share /= total);
        if let (true, Some(class)) = (total == 0.0, only) {
            there.sort_unstable();
            there.dedup();
            let there: Vec<&str> = there.into_iter().map(SpatialClass::name).collect();
            return Err(FitError::NoClass { model: self.id(), class, there: there.join(", ") });
        }
        match Weighted::new(parts) {
            Some(parts) => Ok(Plan { parts, struck }),
            None => Err(FitError::Nothing { model: self.id(), shape, why: reasons(&struck) }),
        }
    }
}

/// How often a model has the only class that is wanted.
fn share(model: &Model, only: Option<SpatialClass>) -> f64 {
    let wanted = |class| only.is_none_or(|only| only == class);
    model.classes().iter().filter(|(_, class)| wanted(class.class)).map(|(weight, _)| weight).sum()
}
