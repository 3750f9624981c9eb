//! A set of models as a table.

use super::{Models, ModelsError};
use crate::text::shown;

/// The operators of a set as tab-separated lines below a line of names: operator, spatial class, its frequency, the
/// model's id, the figures' source.
///
/// # Errors
/// The folder cannot be read, or models are bad: the problems of all of them.
pub fn table(models: &Models) -> Result<String, ModelsError> {
    let mut table = "operator\tspatial_class\tfrequency\tmodel\tsource\n".to_owned();
    let mut bad = Vec::new();
    for operator in models.operators()? {
        let model = match models.load(&operator) {
            Ok(model) => model,
            Err(error) => {
                bad.push(error);
                continue;
            }
        };
        let source = shown(model.source().unwrap_or("unknown"));
        for (frequency, class) in model.classes().iter() {
            let (operator, id) = (shown(&operator), shown(&model.id()));
            table += &format!("{operator}\t{}\t{frequency:.6}\t{id}\t{source}\n", class.class);
        }
    }
    match bad.len() {
        0 => Ok(table),
        1 => Err(bad.remove(0)),
        _ => Err(ModelsError::Several(bad)),
    }
}
