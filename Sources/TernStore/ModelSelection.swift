/// Which model of a store is in use, and which ones proved themselves. Models are named by their digest, 64 hexadecimal digits.
public struct ModelSelection: Equatable, Sendable {
    /// One more for each `use` and `rollback`, so that a model that is chosen again is tried again.
    public private(set) var number: Int
    public private(set) var current: String
    /// The one that was marked good last; nil when none was.
    public private(set) var good: String?
    /// The one that was good before it.
    public private(set) var before: String?

    /// The first model of a store.
    public init(first digest: String) {
        number = 1
        current = digest
    }

    public var isMarkedGood: Bool { current == good }

    public mutating func use(_ digest: String) {
        number += 1
        current = digest
    }

    /// The current model has proved itself: it is what a failing one gives way to.
    public mutating func markGood() {
        guard !isMarkedGood else { return }
        before = good
        good = current
    }

    /// Back to the good model, or from it to the one before.
    ///
    /// - Returns: False when there is none; nothing has changed then.
    public mutating func rollBack() -> Bool {
        guard let good else { return false }
        if current == good {
            guard let before else { return false }
            self.good = before
            self.before = nil
            use(before)
        } else {
            use(good)
        }
        return true
    }

    /// Reads what `text` gives; nil for anything else.
    public init?(_ settings: SettingsFile) {
        guard let number = settings.value("selection").flatMap({ Int($0) }), number > 0, number < Int.max,
            let current = settings.value("current"), isDigest(current), settings.settings.allSatisfy({ Self.keys.contains($0.key) })
        else { return nil }
        self.number = number
        self.current = current
        good = settings.value("good")
        before = settings.value("before")
        for other in [good, before] {
            if let other, !isDigest(other) { return nil }
        }
    }

    private static let keys = ["selection", "current", "good", "before"]

    var text: String {
        var text = "# Written by `ternd model`, which replaces it whole.\nselection = \(number)\ncurrent = \(current)\n"
        if let good { text += "good = \(good)\n" }
        if let before { text += "before = \(before)\n" }
        return text
    }
}

/// Whether a text is a digest as results have it: 64 small hexadecimal digits.
public func isDigest(_ text: String) -> Bool {
    text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
}

/// What a service has seen of a model that is not marked good: how often it was started in a row without proof that it works.
public struct ModelTrial: Equatable, Sendable {
    /// Of the selection.
    public var number: Int
    public var digest: String
    /// Starts since the last that answered a study or stopped in order.
    public var starts = 0
    /// It could not be opened, or its golden vectors differ.
    public var isRefused = false

    public init(of selection: ModelSelection) {
        number = selection.number
        digest = selection.current
    }

    /// After so many starts without proof the good model takes its place.
    public static let limitStarts = 3

    /// Reads what `text` gives; nil for anything else, which is no more than a new trial.
    public init?(_ settings: SettingsFile) {
        guard let number = settings.value("selection").flatMap({ Int($0) }), let digest = settings.value("model"),
            let starts = settings.value("starts").flatMap({ Int($0) }), (0...Self.limitStarts).contains(starts), let refused = settings.value("refused")
        else { return nil }
        self.number = number
        self.digest = digest
        self.starts = starts
        isRefused = refused == "yes"
    }

    public var text: String {
        "# Written by `ternd serve`.\nselection = \(number)\nmodel = \(digest)\nstarts = \(starts)\nrefused = \(isRefused ? "yes" : "no")\n"
    }

    /// Whether the selection's model had its chance; a trial of another selection says nothing.
    func rejects(_ selection: ModelSelection) -> Bool {
        number == selection.number && digest == selection.current && (isRefused || starts >= Self.limitStarts)
    }
}

/// The model that a service takes.
public struct ModelChoice: Equatable, Sendable {
    public var digest: String
    public var selectionNumber: Int
    /// The selection's model had its chance; this is the good one instead.
    public var isRolledBack: Bool
    public var isMarkedGood: Bool
    /// The trial that the model is in; nil for one that is marked good, and where there is no other to fall back to.
    public var trial: ModelTrial?
    /// What takes its place; nil outside a trial.
    public var fallback: String?

    public init(_ selection: ModelSelection, trial last: ModelTrial?) {
        digest = selection.current
        selectionNumber = selection.number
        isMarkedGood = selection.isMarkedGood
        isRolledBack = false
        guard !isMarkedGood, let good = selection.good else { return }
        if let last, last.rejects(selection) {
            digest = good
            isMarkedGood = true
            isRolledBack = true
            return
        }
        var trial = ModelTrial(of: selection)
        if let last, last.number == trial.number, last.digest == trial.digest { trial.starts = last.starts }
        self.trial = trial
        fallback = good
    }
}
