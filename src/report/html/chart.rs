//! What charts are drawn of: SVG with a title and a description, scales, and the figures at their ends.

use super::write::{attributes, escaped, typographic};
use crate::report::figure::Piece;

/// How wide a drawing is; the page scales it. Texts are as large as on the page where it is shown as wide as that.
pub(super) const WIDTH: f64 = 520.0;

/// A drawing that grows.
#[derive(Debug)]
pub(super) struct Drawing {
    height: f64,
    body: String,
}

/// Which end of a text stands at its place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// From zero to `max`, drawn from `from` to `to`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) max: f64,
    pub(super) from: f64,
    pub(super) to: f64,
}

// === impl Drawing ===

impl Drawing {
    pub(super) const fn new(height: f64) -> Self {
        Self {
            height,
            body: String::new(),
        }
    }

    pub(super) fn bar(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        let width = width.max(0.0);
        self.body.push_str(&format!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>\n"
        ));
    }

    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.body.push_str(&format!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>\n"
        ));
    }

    /// A line through points.
    pub(super) fn path(&mut self, class: &str, points: &[(f64, f64)]) {
        let points = points.iter().enumerate();
        let steps: String = points
            .map(|(index, (x, y))| format!("{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' }))
            .collect();
        self.body
            .push_str(&format!("<path class=\"{class}\" d=\"{steps}\"/>\n"));
    }

    pub(super) fn dot(&mut self, class: &str, (x, y): (f64, f64)) {
        self.body.push_str(&format!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>\n"
        ));
    }

    /// A text of pieces, on one line.
    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &[Piece]) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.body.push_str(&format!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">"
        ));
        for piece in text {
            let shown = escaped(&typographic(piece.shown()));
            self.body.push_str(&match piece {
                Piece::Words(_) => shown,
                Piece::Figure(figure) => format!("<tspan {}>{shown}</tspan>", attributes(figure)),
            });
        }
        self.body.push_str("</text>\n");
    }

    /// The drawing; `id` is its name in the page, `title` and `description` are for those who do not see it.
    pub(super) fn done(self, id: &str, title: &str, description: &str) -> String {
        format!(
            "<div class=\"scroll\"><svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n\
             <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n{}</svg></div>\n",
            self.height,
            escaped(title),
            escaped(description),
            self.body
        )
    }
}

// === impl Scale ===

impl Scale {
    /// Where a value is drawn; what is outside stays at the edge.
    pub(super) fn at(&self, value: f64) -> f64 {
        let part = if self.max > 0.0 && value.is_finite() {
            (value / self.max).clamp(0.0, 1.0)
        } else {
            0.0
        };
        part.mul_add(self.to - self.from, self.from)
    }
}

/// Round values from zero to what is as much as `max` or more: five steps at most.
pub(super) fn ticks(max: f64) -> Vec<f64> {
    const STEPS: i32 = 5;
    if !max.is_finite() || max <= f64::MIN_POSITIVE {
        return vec![0.0, 1.0];
    }
    let least = max / f64::from(STEPS);
    // As it is written: a logarithm would link a library of mathematics, half a MiB of every process.
    let written = format!("{least:e}");
    let exponent = written.rsplit('e').next().unwrap_or_default();
    let power: f64 = format!("1e{exponent}").parse().unwrap_or(1.0);
    let round = [1.0, 2.0, 2.5, 5.0];
    let step = round.into_iter().map(|step| step * power);
    let step = step.into_iter().find(|step| *step >= least);
    let step = step.unwrap_or(10.0 * power);
    let all = (0..=STEPS).map(|index| f64::from(index) * step);
    let mut ticks: Vec<f64> = Vec::new();
    for tick in all {
        let is_enough = ticks.last().is_some_and(|last| *last >= max);
        if !is_enough {
            ticks.push(tick);
        }
    }
    ticks
}

/// The largest of values that can be drawn.
pub(super) fn most(values: impl IntoIterator<Item = f64>) -> f64 {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_the_top() {
        for (max, expected) in [
            (0.0, vec![0.0, 1.0]),
            (f64::NAN, vec![0.0, 1.0]),
            (1.0, vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
            (7.0, vec![0.0, 2.0, 4.0, 6.0, 8.0]),
            (0.03, vec![0.0, 0.01, 0.02, 0.03]),
            (1_234.0, vec![0.0, 250.0, 500.0, 750.0, 1_000.0, 1_250.0]),
        ] {
            let ticks = ticks(max);
            let near = |one: &f64, other: &f64| (one - other).abs() < 1e-9;
            let same = ticks.len() == expected.len()
                && ticks
                    .iter()
                    .zip(&expected)
                    .all(|(one, other)| near(one, other));
            assert!(same, "{max}: {ticks:?}");
        }
        assert!(ticks(f64::MAX).len() < 8);
    }

    #[test]
    fn what_is_outside_stays_at_the_edge() {
        let scale = Scale {
            max: 10.0,
            from: 100.0,
            to: 200.0,
        };
        for (value, expected) in [
            (0.0, 100.0),
            (5.0, 150.0),
            (20.0, 200.0),
            (-1.0, 100.0),
            (f64::NAN, 100.0),
        ] {
            assert!((scale.at(value) - expected).abs() < 1e-9, "{value}");
        }
    }
}
