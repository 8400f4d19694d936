import TernFindings
import Testing

/// No finding, a person has to look, and not analysed are three different answers.
@Suite struct AnswerTests {
    private func finding(_ score: Float, threshold: Float? = 0.5, flagged: Bool = false, confirmed: Bool = true) -> Finding {
        Finding(
            label: "a", code: nil, score: score, isCalibrated: true, operatingPoint: "p", threshold: threshold, isOutOfDistribution: flagged,
            isConfirmed: confirmed)
    }

    private func answer(_ findings: [Finding], _ status: ResultStatus = .succeeded, flaggedFrames: Int = 0) -> Answer {
        var result = FindingResult(
            sequence: 1, id: "i", time: "t", model: ModelReference(name: "m", version: "1", digest: "aa", keyIdentifier: nil),
            input: InputReference(kind: .png, sha256: "bb"), status: status)
        result.findings = findings
        for index in 0..<flaggedFrames {
            var frame = FrameResult(frame: index + 1)
            frame.outOfDistribution = OutOfDistribution(score: 9, threshold: 2, isFlagged: true)
            result.frames.append(frame)
        }
        return result.answer
    }

    @Test func aPositiveCallIsAFindingWhateverElseIsSaid() {
        #expect(answer([finding(0.9)]) == .finding)
        #expect(answer([finding(0.1), finding(0.51)]) == .finding)
        #expect(answer([finding(0.9)], .partiallySucceeded, flaggedFrames: 1) == .finding)
    }

    @Test func noFindingIsSaidOnlyWhenNothingSpeaksAgainstIt() {
        #expect(answer([finding(0.1), finding(0.3)]) == .noFinding)
        for (found, reason) in [
            (answer([finding(0.1, confirmed: false)]), ReviewReason.unconfirmed), (answer([finding(0.1, flagged: true)]), .outOfDistribution),
            (answer([]), .noLabels), (answer([finding(0.1), finding(0.1, threshold: nil)]), .noOperatingPoint),
            (answer([finding(0.1)], .partiallySucceeded), .framesRefused), (answer([finding(0.1)], flaggedFrames: 2), .framesOutOfDistribution),
            (answer([finding(0.49)]), .nearThreshold),
        ] {
            #expect(found == .needsReview(reason.term) && found.rawValue == "needs_review")
        }
    }

    @Test func anUnconfirmedModelNeverDecides() {
        for score in [Float(0), 0.3, 0.5, 1] {
            let finding = finding(score, confirmed: false)
            #expect(finding.call == .review && finding.tier == .review && finding.score == score)
            #expect(answer([finding]) == .needsReview(ReviewReason.unconfirmed.term))
        }
    }

    @Test func whatWasNotAnalysedHasNoFindingAndNoneIsSaid() {
        #expect(answer([], .failed).rawValue == "not_analysed")
        #expect(answer([], .notAttempted).reason?.value == "NOT-ATTEMPTED")
    }

    @Test func boundsOfTheFileDecideTheTier_andACallKeepsItsSide() {
        func tier(_ score: Float, threshold: Float, flagged: Bool = false) -> Tier {
            var finding = finding(score, threshold: threshold, flagged: flagged)
            finding.tierBounds = TierBounds(negativeHigh: 0.125, negativeMedium: 0.25, positiveMedium: 0.5, positiveHigh: 0.75)
            return finding.tier
        }
        for (score, expected) in [(Float(0.125), Tier.high), (0.126, .medium), (0.25, .medium), (0.26, .review), (0.4, .review), (0.5, .medium), (0.75, .high)] {
            #expect(tier(score, threshold: 0.375) == expected)
        }
        // Other thresholds than the one the bounds were chosen for.
        #expect(tier(0.7, threshold: 0.9) == .review && tier(0.2, threshold: 0.1) == .review && tier(0.95, threshold: 0.9) == .high)
        #expect(tier(0.95, threshold: 0.9, flagged: true) == .review)
        var never = finding(1)
        never.tierBounds = TierBounds(negativeHigh: -1, negativeMedium: -1, positiveMedium: 2, positiveHigh: 2)
        #expect(never.tier == .review && never.call == .positive)
    }

    @Test func theConformalSetIsTold() {
        var result = FindingResult(
            sequence: 1, id: "i", time: "t", model: ModelReference(name: "m", version: "1", digest: "aa", keyIdentifier: nil),
            input: InputReference(kind: .png, sha256: "bb"), status: .succeeded)
        #expect(!String(decoding: result.json(), as: UTF8.self).contains("conformal"))
        result.conformal = ConformalSet(level: 0.9, labels: ["normal", "pneumonia"])
        #expect(String(decoding: result.json(), as: UTF8.self).contains(#""findings":[],"conformal":{"level":0.9,"set":["normal","pneumonia"]},"outOf"#))
    }

    @Test func reasonsAreToldApart() {
        let terms = ReviewReason.allCases.map { $0.term }
        #expect(Set(terms.map { $0.value }).count == terms.count && Set(terms.map { $0.meaning }).count == terms.count)
    }
}
