//! The routes of the webhook: what a path answers.

use super::stance::Stance;

/// What a path answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// What is decided.
    pub task: Task,
    /// How far the decision is carried.
    pub stance: Stance,
}

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// The mode of a Pod.
    Place,
    /// The verdict on an AuthorizationPolicy.
    Judge,
    /// What the Pods of a workload will get.
    Advise,
}

/// Every path with its route; the short ones are for people.
pub const ROUTES: [(&str, Route); 9] = [
    ("/mutate/pods", Route::new(Task::Place, Stance::Enforce)),
    ("/mutate", Route::new(Task::Place, Stance::Enforce)),
    ("/observe/pods", Route::new(Task::Place, Stance::Observe)),
    (
        "/validate/authorizationpolicies",
        Route::new(Task::Judge, Stance::Enforce),
    ),
    ("/validate", Route::new(Task::Judge, Stance::Enforce)),
    (
        "/warn/authorizationpolicies",
        Route::new(Task::Judge, Stance::Warn),
    ),
    (
        "/observe/authorizationpolicies",
        Route::new(Task::Judge, Stance::Observe),
    ),
    (
        "/validate/workloads",
        Route::new(Task::Advise, Stance::Warn),
    ),
    (
        "/observe/workloads",
        Route::new(Task::Advise, Stance::Observe),
    ),
];

// === impl Route ===

impl Route {
    const fn new(task: Task, stance: Stance) -> Self {
        Self { task, stance }
    }

    /// The route of `path`, if there is one.
    pub fn of(path: &str) -> Option<Self> {
        ROUTES
            .into_iter()
            .find(|(known, _)| *known == path)
            .map(|(_, route)| route)
    }
}

// === impl Task ===

impl Task {
    /// The name in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Judge => "judge",
            Self::Advise => "advise",
        }
    }
}
