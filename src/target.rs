use crate::graph::{Address, Graph};
use crate::site::{DataFormat, Shape};
pub fn data_format(_g: &Graph, _a: &Address) -> DataFormat {
    DataFormat::ChannelsLast
}
pub fn shape(_g: &Graph, _a: &Address, _d: DataFormat) -> Option<Shape> {
    None
}
