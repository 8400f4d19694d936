import TernModel
import Testing

@testable import TernEvaluation

@Test func wilsonIntervalsAreThoseOfSciPy() throws {
    let golden = try GoldenFigures.read()
    #expect(golden.shares.count == 7)
    for share in golden.shares {
        #expect(agrees(wilson(share.successes, of: share.count), share.interval), "\(share.successes) of \(share.count)")
    }
    #expect(wilson(0, of: 0) == nil)
}

/// Eight of eight right says little: a bootstrap would give an interval without width.
@Test func accuracyOfAFewCasesHasAWidth() {
    let all = Confusion(truths: [0, 1, 0, 1, 0, 1, 0, 1], calls: [0, 1, 0, 1, 0, 1, 0, 1], classCount: 2)
    #expect(all.accuracy == wilson(8, of: 8))
    #expect(all.accuracy.map { $0.low < 0.68 && $0.high == 1 } == true)
    #expect(Confusion(truths: [], calls: [], classCount: 2).accuracy == nil)
}

@Test func bootstrapLeavesAsManyBelowAsAbove() throws {
    var drawn: [Double] = []
    let found = bootstrap(count: 50, resamples: 400) { weights in
        let mean = Double(weights.enumerated().reduce(0) { $0 + $1.offset * $1.element }) / 50
        drawn.append(mean)
        return mean
    }
    let interval = try #require(found?.interval)
    // The first call is of the cases themselves.
    #expect(drawn.count == 401 && found?.value == drawn[0])
    let sorted = drawn.dropFirst().sorted()
    #expect(interval == sorted[10]...sorted[389])
}

@Test func bootstrapWithFewerThanFortyStatisticsHasNoInterval() {
    #expect(bootstrap(count: 3, resamples: 0) { _ in 0.5 } == Estimate(value: 0.5, interval: nil))
    #expect(bootstrap(count: 3, resamples: 39) { _ in 0.5 }?.interval == nil)
    #expect(bootstrap(count: 3, resamples: 40) { _ in 0.5 }?.interval == 0.5...0.5)
    #expect(bootstrap(count: 3, resamples: 100) { $0 == [1, 1, 1] ? 0.5 : nil }?.interval == nil)
    #expect(bootstrap(count: 3, resamples: 100) { _ in nil } == nil)
}

@Test func withoutResamplesOnlyWhatNeedsThemHasNoInterval() throws {
    let found = Evaluation(
        cases([0.2, 0.45, 0.7, 0.9], [0, 1, 0, 1]), outputCount: 2, labels: labels, points: [], gate: nil, options: Evaluation.Options(resamples: 0))
    #expect(found.auc?.interval != nil && found.aucMethod == .deLong && found.accuracy == wilson(2, of: 4))
    for figure in [found.macroF1, found.kappa, found.quadraticKappa] { #expect(figure != nil && figure?.interval == nil) }
    #expect(found.text.contains("(95 % interval not computed)"))
}

@Test func areasAreThoseOfAllPairs() throws {
    for one in try GoldenFigures.read().cases {
        for (index, expected) in one.expected.perClass.enumerated() {
            let curve = Curve(scores: one.scores.map { $0[index] }, isPositive: one.truth.map { $0 == index })
            #expect(agrees(curve.deLong(), expected.auc), "\(one.name), class \(index)")
            #expect(agrees(curve.area(weights: [Int](repeating: 1, count: one.truth.count)), expected.rocAUC), "\(one.name), class \(index)")
        }
    }
}

@Test func ratesAtAThresholdAreThoseOfScikitLearn() throws {
    for one in try GoldenFigures.read().cases {
        for (index, expected) in one.expected.perClass.enumerated() {
            let rates = Rates(Curve(scores: one.scores.map { $0[index] }, isPositive: one.truth.map { $0 == index }), threshold: 0.5)
            #expect(agrees(rates.accuracy, expected.accuracy), "\(one.name), class \(index)")
            #expect(agrees(rates.sensitivity, expected.sensitivity), "\(one.name), class \(index)")
            #expect(agrees(rates.specificity, expected.specificity), "\(one.name), class \(index)")
            #expect(agrees(rates.precision, expected.ppv), "\(one.name), class \(index)")
            #expect(agrees(rates.negativePredictiveValue, expected.npv), "\(one.name), class \(index)")
            #expect(agrees(rates.f1, expected.f1), "\(one.name), class \(index)")
        }
    }
}

@Test func agreementAndCalibrationAreThoseOfScikitLearn() throws {
    for one in try GoldenFigures.read().cases {
        let calls = one.scores.map { CaseResult.call($0) }
        let confusion = Confusion(truths: one.truth, calls: calls, classCount: one.scores[0].count)
        let expected = one.expected
        #expect(confusion.counts == expected.confusion, "\(one.name)")
        #expect(agrees(confusion.accuracy, expected.accuracy), "\(one.name)")
        #expect(agrees(confusion.macroF1, expected.macroF1), "\(one.name)")
        #expect(agrees(confusion.kappa(quadratic: false), expected.kappa), "\(one.name)")
        #expect(agrees(confusion.kappa(quadratic: true), expected.quadraticKappa), "\(one.name)")
        #expect(agrees(brier(scores: one.scores, truths: one.truth), expected.brier), "\(one.name)")
        let isRight = zip(calls, one.truth).map { $0 == $1 }
        let reliability = Reliability(scores: one.scores.map { CaseResult.confidence($0) }, isTrue: isRight)
        #expect(agrees(reliability.expectedCalibrationError, expected.calibrationError), "\(one.name)")
        for (index, figures) in expected.perClass.enumerated() {
            let scores = one.scores.map { $0[index] }
            let isTrue = one.truth.map { $0 == index }
            #expect(agrees(brier(scores: scores, isTrue: isTrue), figures.brier), "\(one.name), class \(index)")
            #expect(agrees(Reliability(scores: scores, isTrue: isTrue).expectedCalibrationError, figures.calibrationError))
        }
    }
}

@Test func perfectOrderHasNoWidthAndOneCaseNoVariance() {
    let perfect = Curve(scores: [0.1, 0.2, 0.8, 0.9], isPositive: [false, false, true, true])
    #expect(perfect.deLong() == Interval(value: 1, low: 1, high: 1))
    let single = Curve(scores: [0.1, 0.2, 0.8], isPositive: [false, false, true])
    #expect(single.deLong() == nil)
    let (area, method) = single.estimatedArea(resamples: 200)
    #expect(area == Estimate(value: 1, interval: 1...1) && method == .bootstrap)
    let (alone, none) = single.estimatedArea(resamples: 0)
    #expect(alone == Estimate(value: 1, interval: nil) && none == nil)
    #expect(Curve(scores: [0.5], isPositive: [true]).area(weights: [1]) == nil)
}

@Test func curveRunsFromNothingCalledToAllCalled() {
    let corners = Curve(scores: [0.9, 0.5, 0.5, 0.1], isPositive: [true, true, false, false]).corners()
    #expect(corners.map(\.falsePositiveRate) == [0, 0, 0.5, 1])
    #expect(corners.map(\.truePositiveRate) == [0, 0.5, 1, 1])
    #expect(Curve(scores: [0.5], isPositive: [true]).corners().isEmpty)
}

@Test func kappaIsUndefinedWhereChanceAgreesFully() {
    #expect(Confusion(truths: [1, 1], calls: [1, 1], classCount: 2).kappa(quadratic: false) == nil)
    #expect(Confusion(truths: [0, 1], calls: [1, 0], classCount: 2).kappa(quadratic: false) == -1)
}

private let labels = Labels(
    activation: .softmax, temperature: 2, isCalibrated: false,
    labels: [
        Label(name: "normal", outputIndex: 0, isReported: false, code: nil, threshold: nil, operatingPoint: ""),
        Label(name: "finding", outputIndex: 1, isReported: true, code: nil, threshold: 0.4, operatingPoint: "balanced"),
    ])

private func cases(_ scores: [Float], _ truths: [Int], gate: [Float]? = nil) -> [CaseResult] {
    scores.indices.map {
        CaseResult(
            name: "\($0)", truth: truths[$0], scores: [1 - scores[$0], scores[$0]], plainScores: [1 - scores[$0], scores[$0]],
            outOfDistribution: gate?[$0])
    }
}

@Test func pointsOfTheFileComeBeforeOneHalfAndNameTheDefault() throws {
    let share = MeasuredShare(value: 0.5, low: 0.4, high: 0.6)
    func point(_ name: String, _ threshold: Float) -> OperatingPoint {
        OperatingPoint(labelIndex: 1, name: name, threshold: threshold, sensitivity: share, specificity: share, positives: 1, negatives: 1)
    }
    let results = cases([0.2, 0.45, 0.7, 0.9], [0, 0, 1, 1])
    let options = Evaluation.Options(resamples: 100)
    let found = Evaluation(
        results, outputCount: 2, labels: labels, points: [point("sensitive", 0.1), point("balanced", 0.4)], gate: nil, options: options)
    let label = try #require(found.labels.first)
    #expect(label.points.map(\.name) == ["sensitive", "balanced", "0.5"])
    #expect(label.points.map(\.isDefault) == [false, true, false])
    #expect(label.defaultPoint?.rates == Rates(truePositives: 2, falsePositives: 1, trueNegatives: 1, falseNegatives: 0))
    let bare = Evaluation(results, outputCount: 2, labels: labels, points: [], gate: nil, options: options)
    #expect(bare.labels.first?.points.map(\.name) == ["balanced", "0.5"])
    #expect(bare.aucMethod == .deLong && bare.gate == nil && bare.ordinal == nil)
}

@Test func aClassAndItsLabelHaveOneArea() throws {
    for truths in [[0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]] {
        let found = Evaluation(
            cases([0.2, 0.9, 0.7, 0.8], truths), outputCount: 2, labels: labels, points: [], gate: nil, options: Evaluation.Options(resamples: 100))
        let label = try #require(found.labels.first)
        #expect(found.perClass[1].auc == label.auc && found.auc == label.auc)
        #expect((label.auc == nil) == !truths.contains(1))
    }
}

@Test func gateCountsWhatIsAboveTheThresholdAndWhatIsNoNumber() throws {
    let statistics = FeatureStatistics(byteOffset: 0, count: 1, rank: 0, threshold: 1.5, residualPrecision: 1, falseAlarmRate: 0.01)
    let results = cases([0.2, 0.3, 0.8, 0.9], [0, 0, 1, 1], gate: [1, 1.5, 1.6, .nan])
    let found = Evaluation(results, outputCount: 2, labels: labels, points: [], gate: statistics, options: Evaluation.Options(resamples: 100))
    let gate = try #require(found.gate)
    #expect(gate.flagged == 2)
    #expect(gate.share == wilson(2, of: 4))
    #expect(gate.scores.last == .infinity)
}

@Test func gradesSayHowFarCallsAreOff() throws {
    let three = (0..<3).map { Label(name: "grade \($0)", outputIndex: $0, isReported: true, code: nil, threshold: nil, operatingPoint: "") }
    let results = [(0, [0.8, 0.1, 0.1]), (1, [0.1, 0.2, 0.7]), (2, [0.6, 0.3, 0.1])].map { (truth: Int, scores: [Float]) in
        CaseResult(name: "", truth: truth, scores: scores, plainScores: scores)
    }
    let found = Evaluation(
        results, outputCount: 3, labels: Labels(activation: .softmax, temperature: 1, isCalibrated: false, labels: three), points: [], gate: nil,
        options: Evaluation.Options(resamples: 100, isOrdinal: true))
    #expect(found.ordinal?.meanAbsoluteError?.value == 1)
    #expect(found.ordinal?.withinOne?.value == 2.0 / 3)
    #expect(found.positiveBrier == nil)
}

@Test func oneOutputStandsForTwoClasses() {
    let label = Label(name: "finding", outputIndex: 0, isReported: true, code: nil, threshold: 0.5, operatingPoint: "")
    let results = [(0, 0.2), (1, 0.7), (1, 0.4)].map { (truth: Int, score: Float) in
        CaseResult(name: "", truth: truth, scores: [score], plainScores: [score])
    }
    let found = Evaluation(
        results, outputCount: 1, labels: Labels(activation: .sigmoid, temperature: 1, isCalibrated: false, labels: [label]), points: [], gate: nil,
        options: Evaluation.Options(resamples: 100))
    #expect(found.classNames == ["not finding", "finding"])
    #expect(found.confusion.counts == [[1, 0], [1, 1]])
    #expect(found.labels.first?.auc?.value == 1)
}
