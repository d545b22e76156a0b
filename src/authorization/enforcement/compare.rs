//! Finds a request that one side matches and the other does not.

use super::attribute::{Attribute, Value};
use super::boxes::{Budget, Layout, Requests, matches};
use super::request::Request;
use super::terms::{Rules, Space};
use super::values::{Values, values};
use crate::authorization::mesh::Mesh;

/// How often, in each direction, a part of a box is compared with another box before the search ends.
pub(super) const STEPS: usize = 1 << 19;
/// How many boxes are made of each side.
const BOXES: usize = 1 << 14;
/// Of how many boxes requests are tried where there are too many boxes.
const TRIED: usize = 1 << 7;
/// How many other values of each attribute are tried there.
const OTHERS: usize = 4;

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
    let are_cut = of_first.is_used_up() || of_second.is_used_up();
    let (mut there, mut back) = (Budget::new(STEPS), Budget::new(STEPS));
    let (only_first, only_second) = if are_cut {
        // With boxes missing on the side that is cut off, what remains proves nothing.
        (
            sides.by_trying(&boxes_of_first, second),
            sides.by_trying(&boxes_of_second, first),
        )
    } else {
        (
            sides.only(&boxes_of_first, &boxes_of_second, &mut there),
            sides.only(&boxes_of_second, &boxes_of_first, &mut back),
        )
    };
    Difference {
        only_first,
        only_second,
        is_cut: are_cut || sides.is_cut || there.is_used_up() || back.is_used_up(),
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

    /// Some requests of some boxes, one by one: the first, and those that differ from it in one attribute.
    fn by_trying(&self, own: &[Requests], others: &Rules) -> Option<Request> {
        let points = own.iter().take(TRIED).flat_map(|whole| {
            let values = self.layout.values_in(whole);
            let firsts = values.iter().map(|values| values.first().copied());
            let first: Vec<usize> = firsts.map(Option::unwrap_or_default).collect();
            let changed = values.into_iter().enumerate().flat_map({
                let first = first.clone();
                move |(at, values)| {
                    let first = first.clone();
                    let others = values.into_iter().skip(1).take(OTHERS);
                    others.map(move |value| {
                        let mut point = first.clone();
                        point.splice(at..=at, [value]);
                        point
                    })
                }
            });
            std::iter::once(first).chain(changed)
        });
        let is_witness = |point: &Vec<usize>| !matches(others, &self.values, point);
        let point = points.into_iter().find(is_witness)?;
        let point: Vec<(usize, usize)> = point.into_iter().enumerate().collect();
        Some(self.request(&point))
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
