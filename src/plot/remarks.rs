//! What a line says of a site beside its shape and cells. All of it may be missing, or be something else.

use serde::Deserialize;
use serde_json::Value;

use crate::value::ValueClass;

/// The remarks that a picture shows.
#[derive(Debug, Default, PartialEq)]
pub struct Remarks {
    /// The site's number in its run.
    pub site: Option<u64>,
    /// The model, as the line says it.
    pub model: Option<String>,
    /// The spatial class, as the line says it.
    pub spatial_class: Option<String>,
    classes: Vec<Option<ValueClass>>,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    site: Value,
    #[serde(default)]
    model: Value,
    #[serde(default)]
    spatial_class: Value,
    cells: Vec<Cell>,
}

#[derive(Deserialize)]
struct Cell {
    #[serde(default)]
    class: Value,
}

impl Remarks {
    /// Reads the remarks of a line that is a site.
    pub fn read(line: &[u8]) -> Self {
        let Ok(line) = serde_json::from_slice::<Line>(line) else { return Remarks::default() };
        Remarks {
            site: line.site.as_u64(),
            model: line.model.as_str().map(str::to_owned),
            spatial_class: line.spatial_class.as_str().map(str::to_owned),
            classes: line.cells.iter().map(|cell| cell.class.as_str()?.parse().ok()).collect(),
        }
    }

    /// The class of a cell's value, by the cell's place on the line.
    pub fn class(&self, cell: usize) -> Option<ValueClass> {
        self.classes.get(cell).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_something_else_is_no_remark() {
        let line = br#"{"site":-1,"model":["mine"],"spatial_class":7,"shape":{"h":1,"w":1,"c":1},"cells":[
            {"h":0,"w":0,"c":0,"value":1,"class":"mine"},{"h":0,"w":0,"c":1,"value":1,"class":"zero"},{"class":{}},{}]}"#;
        let remarks = Remarks::read(line);
        assert_eq!((remarks.site, &remarks.model, &remarks.spatial_class), (None, &None, &None));
        assert_eq!(
            (0..5).map(|cell| remarks.class(cell)).collect::<Vec<_>>(),
            [None, Some(ValueClass::Zero), None, None, None]
        );
    }
}
