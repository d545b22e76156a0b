//! Finds a request that one side matches and the other does not.

use super::attribute::{Attribute, Value};
use super::boxes::{Budget, Layout, Requests};
use super::request::Request;
use super::terms::{Rules, Space};
use super::values::{Values, values};
use crate::authorization::mesh::Mesh;

/// How often, in each direction, a part of a box is compared with another box before the search ends.
pub(super) const STEPS: usize = 1 << 19;
/// How many boxes are made of each side.
const BOXES: usize = 1 << 14;

/// What was found.
#[derive(Debug)]
pub(super) struct Difference {
    /// The first side matches it, the second does not.
    pub(super) only_first: Option<Request>,
    /// The reverse.
    pub(super) only_second: Option<Request>,
    /// Something was left out, so that what was not found may be there all the same.
    pub(super) is_cut: bool,
}

/// Two sides over the same attributes.
struct Sides {
    attributes: Vec<Attribute>,
    values: Vec<Values>,
    layout: Layout,
    is_cut: bool,
}

/// Both directions.
pub(super) fn difference(
    first: &Rules,
    second: &Rules,
    space: &Space<'_>,
    mesh: &Mesh,
) -> Difference {
    let sides = Sides::new(space, mesh);
    let (mut of_first, mut of_second) = (Budget::new(BOXES), Budget::new(BOXES));
    let boxes_of_first = sides.layout.boxes(first, &sides.values, &mut of_first);
    let boxes_of_second = sides.layout.boxes(second, &sides.values, &mut of_second);
    // With boxes missing on the side that is cut off, what remains proves nothing.
    let is_cut = of_first.is_used_up() || of_second.is_used_up();
    let (mut there, mut back) = (Budget::new(STEPS), Budget::new(STEPS));
    let only_first = sides.only(&boxes_of_first, &boxes_of_second, &mut there);
    let only_second = sides.only(&boxes_of_second, &boxes_of_first, &mut back);
    Difference {
        only_first: only_first.filter(|_| !of_second.is_used_up()),
        only_second: only_second.filter(|_| !of_first.is_used_up()),
        is_cut: is_cut || sides.is_cut || there.is_used_up() || back.is_used_up(),
    }
}

// === impl Sides ===

impl Sides {
    fn new(space: &Space<'_>, mesh: &Mesh) -> Self {
        let tested = space.attributes.iter();
        let values: Vec<Values> = tested.map(|tested| values(tested, mesh)).collect();
        let attributes = space.attributes.iter();
        Self {
            attributes: attributes.map(|tested| tested.attribute.clone()).collect(),
            layout: Layout::new(values.iter()),
            is_cut: values.iter().any(|values| values.is_cut),
            values,
        }
    }

    fn only(&self, own: &[Requests], others: &[Requests], budget: &mut Budget) -> Option<Request> {
        own.iter().find_map(|whole| {
            let part = self.layout.outside(whole, others, budget)?;
            let point = self.layout.point(part, whole, others);
            Some(self.request(&point))
        })
    }

    fn request(&self, point: &[(usize, usize)]) -> Request {
        let parts = point.iter().filter_map(|(at, value)| {
            let attribute = self.attributes.get(*at)?;
            let value: &Value = self.values.get(*at)?.values.get(*value)?;
            Some((attribute.clone(), value.clone()))
        });
        Request::new(parts.collect())
    }
}
