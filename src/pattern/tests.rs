use super::*;

#[test]
fn names_are_read_back() {
    for class in SpatialClass::ALL {
        assert_eq!(class.name().parse(), Ok(class));
    }
    assert_eq!(
        "bullet".parse::<SpatialClass>().unwrap_err().to_string(),
        format!("'bullet' is not a spatial class: {}", SpatialClass::ALL.map(SpatialClass::name).join(", "))
    );
}
