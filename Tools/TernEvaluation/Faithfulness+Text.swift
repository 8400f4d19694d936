extension Faithfulness {
    /// The figures for a terminal.
    public func text(_ subject: ExplanationSubject) -> String {
        var lines = [
            row("images", "\(count) of \(subject.data)"), row("map", "\(subject.method), \(subject.columns) x \(subject.rows) patches, of \(subject.explained)"),
            row("mean score", "\(fixed(subject.score)); everything deleted (\(subject.deletion.rawValue)) \(fixed(subject.scoreDeleted)), "
                + "before insertion (\(subject.insertion.rawValue)) \(fixed(subject.scoreBeforeInsertion))"),
        ]
        if let largestGap { lines.append(row("shares and base", "add up to what decides the score within \(largestGap)")) }
        if let same = subject.sameClass { lines.append(row("other methods", "their model gives the engine's class on \(fixed(same.value * 100, 1)) % of the images")) }
        lines += ["", "areas, 95 % interval in brackets; deletion: smaller is better, insertion: larger"]
        for method in methods {
            lines.append("\(method.name):")
            lines.append(row("  deletion area", described(method.deletion) + beside(method.deletionLessRandom, method.deletionBetter)))
            lines.append(row("  insertion area", described(method.insertion) + beside(method.insertionLessRandom, method.insertionBetter)))
            if let correlation = method.rankCorrelation { lines.append(row("  rank correlation", described(correlation) + " with the model's map")) }
        }
        if let changes = changesWithWeights {
            lines += ["", "rank correlation with the map of the same model with shuffled weights"]
            for stage in stages {
                lines.append(row("  " + stage.name, "\(described(stage.rankCorrelation)), magnitude \(described(stage.magnitude)), \(stage.count) images"))
            }
            lines.append(
                changes
                    ? "passes: with all weights shuffled the map is another one (limit of the magnitude \(Faithfulness.largestShuffledCorrelation))"
                    : "FAILS: the map hardly changes when all weights are shuffled, so it shows the image and not the model")
        }
        return lines.joined(separator: "\n")
    }

    private func beside(_ difference: Estimate?, _ better: Interval?) -> String {
        guard let difference, let better else { return "" }
        return "; less random order \(described(difference)), better on \(fixed(better.value * 100, 1)) %"
    }

    private func described(_ estimate: Estimate?) -> String {
        guard let estimate else { return "undefined" }
        guard let interval = estimate.interval else { return fixed(estimate.value) }
        return "\(fixed(estimate.value)) [\(fixed(interval.lowerBound)), \(fixed(interval.upperBound))]"
    }

    private func row(_ name: String, _ value: String) -> String { padded(name, 21) + value }
}
