//! Charts of lines over time: the window, and the weeks of older reports.

use jiff::Timestamp;

use super::chart::{Anchor, Drawing, Scale, WIDTH, most, ticks};
use crate::report::figure::{Figure, Piece};
use crate::report::numbers::round_money;

/// Room for the money at the left, and for the names of the lines at the right.
const LEFT: f64 = 60.0;
const RIGHT: f64 = WIDTH - 124.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 220.0;
const HEIGHT: f64 = 250.0;
/// How a day is read.
const DAY_AND_MONTH: &str = "%-d %b";
/// Between two lines of text.
const LINE: f64 = 16.0;

/// Two costs over time, and from when to when.
#[derive(Debug)]
pub(super) struct Chart<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) description: &'a str,
    pub(super) currency: &'a str,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// In the order of time.
    pub(super) points: Vec<Spot>,
    /// Whether points are marked, as there are few of them.
    pub(super) marks: Marks,
}

/// A point of both lines.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) when: Timestamp,
    pub(super) now: f64,
    pub(super) possible: f64,
    /// The places of both in the JSON report.
    pub(super) fields: [String; 2],
}

/// Whether points are marked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Marks {
    /// Each, and the line goes through all of them.
    Dots,
    /// None; where a slot has no data the line is broken.
    Gaps,
}

// === impl Chart ===

impl Chart<'_> {
    /// The drawing; nothing where there are less than two points.
    pub(super) fn drawn(&self) -> Option<String> {
        let last = self.points.last().filter(|_| self.points.len() > 1)?;
        let costs = self
            .points
            .iter()
            .flat_map(|spot| [spot.now, spot.possible]);
        let marks = ticks(most(costs));
        let money_scale = Scale {
            max: most(marks.iter().copied()),
            from: BOTTOM,
            to: TOP,
        };
        let mut drawing = Drawing::new(HEIGHT);
        for tick in marks {
            let y = money_scale.at(tick);
            drawing.line(
                if tick > 0.0 { "grid" } else { "axis" },
                (LEFT, y),
                (RIGHT, y),
            );
            let tick = round_money(self.currency, tick);
            drawing.text("tick", (LEFT - 8.0, y + 4.0), Anchor::End, &[tick.into()]);
        }
        self.days(&mut drawing);
        for class in ["now", "possible"] {
            self.line(class, money_scale, &mut drawing);
        }
        self.names(last, money_scale, &mut drawing);
        Some(drawing.done(self.id, self.title, self.description))
    }

    fn x(&self, when: Timestamp) -> f64 {
        let scale = Scale {
            max: seconds(self.start, self.end),
            from: LEFT,
            to: RIGHT,
        };
        scale.at(seconds(self.start, when))
    }

    fn days(&self, drawing: &mut Drawing) {
        let times = match self.marks {
            Marks::Gaps => times(self.start, self.end),
            Marks::Dots => self.dates(),
        };
        for (when, label) in times {
            let x = self.x(when);
            drawing.line("axis", (x, BOTTOM), (x, BOTTOM + 4.0));
            drawing.text("tick", (x, BOTTOM + 20.0), Anchor::Middle, &[label.into()]);
        }
    }

    /// The days of the points, but those that there is no room for.
    fn dates(&self) -> Vec<(Timestamp, String)> {
        const ROOM: f64 = 60.0;
        let mut dates: Vec<(Timestamp, String)> = Vec::new();
        for spot in &self.points {
            let is_near =
                |(last, _): &(Timestamp, String)| self.x(spot.when) - self.x(*last) < ROOM;
            if !dates.last().is_some_and(is_near) {
                dates.push((spot.when, spot.when.strftime(DAY_AND_MONTH).to_string()));
            }
        }
        dates
    }

    fn line(&self, class: &str, scale: Scale, drawing: &mut Drawing) {
        let at = |spot: &Spot| {
            let value = if class == "now" {
                spot.now
            } else {
                spot.possible
            };
            (self.x(spot.when), scale.at(value))
        };
        for run in self.runs() {
            let points: Vec<(f64, f64)> = run.iter().map(at).collect();
            drawing.path(&format!("line {class}"), &points);
            if self.marks == Marks::Dots || points.len() == 1 {
                for point in points {
                    drawing.dot(class, point);
                }
            }
        }
    }

    /// The points between which there is a line.
    fn runs(&self) -> impl Iterator<Item = &[Spot]> {
        let pairs = self.points.iter().zip(self.points.iter().skip(1));
        let steps = pairs.map(|(one, next)| seconds(one.when, next.when));
        let step = steps.fold(f64::INFINITY, f64::min);
        self.points.chunk_by(move |one, next| {
            self.marks == Marks::Dots || seconds(one.when, next.when) < 1.5 * step
        })
    }

    /// What each line is, at its end, and not upon each other.
    fn names(&self, last: &Spot, scale: Scale, drawing: &mut Drawing) {
        let (now, possible) = (scale.at(last.now), scale.at(last.possible));
        let apart = (LINE - (possible - now).abs()).max(0.0) / 2.0;
        let sign = if possible >= now { 1.0 } else { -1.0 };
        let x = self.x(last.when) + 10.0;
        let [now_field, possible_field] = last.fields.clone();
        for (class, y, field, value) in [
            ("now", now - sign * apart, now_field, last.now),
            (
                "possible",
                possible + sign * apart,
                possible_field,
                last.possible,
            ),
        ] {
            let figure = Figure::money(self.currency, field, value);
            let text: [Piece; 2] = [format!("{class} ").into(), figure];
            drawing.text(&format!("name {class}"), (x, y + 4.0), Anchor::Start, &text);
        }
    }
}

fn seconds(start: Timestamp, end: Timestamp) -> f64 {
    end.duration_since(start).as_secs_f64()
}

/// Round times between two, in UTC, and how they are read: seven at most.
fn times(start: Timestamp, end: Timestamp) -> Vec<(Timestamp, String)> {
    const HOUR: i64 = 3_600;
    const DAY: i64 = 24 * HOUR;
    const STEPS: [i64; 11] = [
        HOUR,
        3 * HOUR,
        6 * HOUR,
        12 * HOUR,
        DAY,
        2 * DAY,
        7 * DAY,
        14 * DAY,
        28 * DAY,
        91 * DAY,
        364 * DAY,
    ];
    let (from, to) = (start.as_second(), end.as_second());
    let Some(step) = STEPS.into_iter().find(|step| (to - from) / step < 7) else {
        return Vec::new();
    };
    let format = if step < DAY { "%H:%M" } else { DAY_AND_MONTH };
    let first = from.div_euclid(step) * step;
    let all = (0..=9).map(|index| first + index * step);
    all.filter(|when| (from..=to).contains(when))
        .filter_map(|when| Timestamp::from_second(when).ok())
        .map(|when| (when, when.strftime(format).to_string()))
        .collect()
}
