import TernConvert
import TernModel

extension Report {
    /// Curve, scores and operating points of one reported label.
    func label(_ index: Int) -> String {
        let label = evaluation.labels[index]
        let name = Markup.escaped(label.name)
        let key = "labels.\(index)"
        let others = evaluation.classNames.count == 2 ? evaluation.classNames[1 - label.classIndex] : "others"
        let rows = label.points.enumerated().map { place, point in
            let key = "\(key).operatingPoints.\(place)"
            return [
                Markup.escaped(point.name) + (point.isDefault ? " (default)" : ""),
                Markup.figure(key + ".threshold", Double("\(point.threshold)"), 4),
                Markup.interval(key + ".sensitivity", point.rates.sensitivity, isShare: true),
                Markup.interval(key + ".specificity", point.rates.specificity, isShare: true),
                Markup.interval(key + ".ppv", point.rates.precision, isShare: true),
                Markup.interval(key + ".npv", point.rates.negativePredictiveValue, isShare: true), Markup.figure(key + ".f1", point.rates.f1),
                Markup.interval(key + ".accuracy", point.rates.accuracy, isShare: true),
            ]
        }
        let table =
            rows.isEmpty
            ? ""
            : Markup.table(
                caption: "Operating points", head: ["Point", "Threshold", "Sensitivity", "Specificity", "PPV", "NPV", "F1", "Accuracy"], rows: rows)
        return """
            <section>
            <h2>\(name)</h2>
            <p>\(Markup.count(key + ".positives", label.positives)) of \(Markup.count("images", evaluation.count)) images have it. AUC \
            \(Markup.interval(key + ".auc", label.auc, isShare: false)).</p>
            <div class="pair">
            <figure><figcaption><b>Receiver operating characteristic</b>\(rows.isEmpty ? "" : ", operating points with their 95\u{202F}% intervals")</figcaption>
            \(Plot.receiverOperatingCharacteristic(label))</figure>
            <figure><figcaption><b>Scores</b>, as shares of the images with it and of those without</figcaption>
            \(Plot.scores(label, others: others))</figure>
            </div>
            \(table)
            \(stated(label, key))
            </section>

            """
    }

    /// What the model file says of its points, measured when they were chosen.
    private func stated(_ label: Evaluation.LabelFigures, _ key: String) -> String {
        let rows = label.points.enumerated().compactMap { place, point in
            point.stated.map { stated in
                let key = "\(key).operatingPoints.\(place).stated"
                return [
                    Markup.escaped(point.name), Markup.interval(key + ".sensitivity", interval(stated.sensitivity), isShare: true),
                    Markup.interval(key + ".specificity", interval(stated.specificity), isShare: true),
                    Markup.count(key + ".positives", stated.positives), Markup.count(key + ".negatives", stated.negatives),
                ]
            }
        }
        guard !rows.isEmpty else { return "" }
        return Markup.table(
            caption: "What the model file states of them, measured on " + Markup.escaped(subject.pointsMeasuredOn),
            head: ["Point", "Sensitivity", "Specificity", "Positives", "Negatives"], rows: rows)
    }

    private func interval(_ share: MeasuredShare) -> Interval {
        func exact(_ value: Float) -> Double { Double("\(value)") ?? Double(value) }
        return Interval(value: exact(share.value), low: exact(share.low), high: exact(share.high))
    }

    /// Whether scores are the shares they promise, before and after the temperature.
    var calibration: String {
        let isBinary = evaluation.classNames.count == 2
        let label = isBinary ? evaluation.labels.first : nil
        let shown = label?.reliability ?? evaluation.reliability
        let what = label.map { "score of " + Markup.escaped($0.name) } ?? "largest score"
        var rows = [
            [
                "Calibration error, largest score",
                Markup.figure("calibrationErrorBefore", evaluation.reliability.before.expectedCalibrationError, 4),
                Markup.figure("calibrationError", evaluation.reliability.after.expectedCalibrationError, 4),
            ]
        ]
        for (index, label) in evaluation.labels.enumerated() {
            rows.append([
                "Calibration error, " + Markup.escaped(label.name),
                Markup.figure("labels.\(index).calibrationErrorBefore", label.reliability.before.expectedCalibrationError, 4),
                Markup.figure("labels.\(index).calibrationError", label.reliability.after.expectedCalibrationError, 4),
            ])
        }
        rows.append([
            "Brier score, all classes", Markup.figure("brier.before", evaluation.brier.before, 4),
            Markup.figure("brier.value", evaluation.brier.after, 4),
        ])
        if let positive = evaluation.positiveBrier {
            rows.append([
                "Brier score, reported label", Markup.figure("brier.positiveBefore", positive.before, 4),
                Markup.figure("brier.positive", positive.after, 4),
            ])
        }
        return """
            <section>
            <h2>Calibration</h2>
            <p>Among images with a score near 0.8, about 80\u{202F}% should be what the score says. Dots on the dashed line are; the bars say how many
            images a dot stands for. The model divides its outputs by a temperature of \(Markup.figure("temperature", Double("\(subject.temperature)"), 3)).</p>
            <div class="pair">
            <figure><figcaption><b>Before</b>, temperature 1: \(what)</figcaption>
            \(Plot.reliability(shown.before, name: "Reliability before temperature"))</figure>
            <figure><figcaption><b>After</b>, temperature \(subject.temperature): \(what)</figcaption>
            \(Plot.reliability(shown.after, name: "Reliability after temperature"))</figure>
            </div>
            \(Markup.table(caption: "Smaller is better", head: ["", "Before", "After"], rows: rows))
            </section>
            """
    }

    /// The out-of-distribution gate, when the model has one.
    var gate: String {
        guard let gate = evaluation.gate else { return "" }
        return """
            <section>
            <h2>Out of distribution</h2>
            <p>\(Markup.count("outOfDistribution.flagged", gate.flagged)) of \(Markup.count("images", evaluation.count)) images,
            \(Markup.interval("outOfDistribution.share", gate.share, isShare: true)), are farther from what the model was trained on than the threshold
            \(Markup.figure("outOfDistribution.threshold", Double("\(gate.threshold)"), 4)) and would be left to a person.</p>
            <figure><figcaption><b>Distances</b> of all images; the last bar holds everything beyond</figcaption>
            \(Plot.gate(gate))</figure>
            </section>
            """
    }

    /// The wrong calls that the model was surest of.
    var mistakes: String {
        let wrong = evaluation.results.filter { $0.call != $0.truth }
            .map { (one: $0, confidence: CaseResult.confidence($0.scores)) }
            .sorted { ($1.confidence, $0.one.name) < ($0.confidence, $1.one.name) }
        guard !wrong.isEmpty else { return "" }
        let rows = wrong.prefix(15).map { item in
            [
                "<code>\(Markup.escaped(item.one.name))</code>", Markup.escaped(evaluation.classNames[item.one.truth]),
                Markup.escaped(evaluation.classNames[item.one.call]), fixed(Double(item.confidence), 3),
            ]
        }
        return """
            <section>
            <h2>Where it is surest and wrong</h2>
            <p>\(wrong.count) of \(evaluation.count) calls by the largest score are wrong. Look at these first: a wrong label or a shortcut shows here.</p>
            <details><summary>The \(rows.count) surest</summary>
            \(Markup.table(caption: "Wrong calls, surest first", head: ["Image", "Truth", "Call", "Score"], rows: Array(rows)))
            </details>
            </section>
            """
    }

    /// What the model's card says of its use.
    var aboutModel: String {
        var items = ""
        for (key, name) in [
            ("intendedUse", "Intended use"), ("notIntendedUse", "Not intended use"), ("trainingData", "Training data"), ("population", "Population"),
            ("licence", "Licence"),
        ] {
            guard let text = card[key].map({ $0.string ?? $0.text }) else { continue }
            items += "<dt>\(name)</dt><dd>\(Markup.escaped(text))</dd>\n"
        }
        let limits = (card["limits"]?.array ?? []).compactMap(\.string).map { "<li>\(Markup.escaped($0))</li>" }
        guard !items.isEmpty || !limits.isEmpty else { return "" }
        return """
            <section>
            <h2>Use and limits</h2>
            \(items.isEmpty ? "" : "<dl>\n\(items)</dl>")
            \(limits.isEmpty ? "" : "<h3>Known limits</h3>\n<ul>\n\(limits.joined(separator: "\n"))\n</ul>")
            </section>
            """
    }

    /// How the figures are made, with sources, and how to make them again.
    var methods: String {
        let resampled =
            evaluation.classNames.count > 2
            ? "Mean AUC (unweighted mean over classes, each against the rest), AUC of a class with one image, F1 over classes, kappa and grades off"
            : "AUC of a class with one image, F1 over classes and kappa"
        let resamples = Markup.count("resamples", evaluation.options.resamples)
        let resampling =
            evaluation.options.resamples > 0
            ? "percentile bootstrap over images, \(resamples) resamples with a fixed seed"
            : "they take a bootstrap and were not computed (\(resamples) resamples)"
        return """
            <section>
            <h2>How these figures are made</h2>
            <ul>
            <li>Intervals are 95\u{202F}%. Accuracy, sensitivity, specificity, PPV, NPV and shares: Wilson (1927). AUC of one label or
            class: DeLong, DeLong and Clarke-Pearson (1988), computed after Sun and Xu (2014). \(resampled): \(resampling).</li>
            <li>PPV and NPV hold for the share of positives among these images only.</li>
            <li>Kappa: Cohen (1960), with quadratic weights Cohen (1968). Brier score: Brier (1950), the sum over classes, 0 to 2; of the reported label
            alone 0 to 1. Calibration error: expected calibration error over 15 equal bins, Guo et al. (2017).</li>
            <li>A threshold that was chosen on these images flatters itself. The points of the model file were chosen before; “0.5” is no choice.</li>
            </ul>
            <h3>Again</h3>
            <pre>\(Markup.escaped(command))</pre>
            <footer>Written by <code>tern eval --report</code>. The same file, images and options give the same page.</footer>
            </section>
            """
    }
}
