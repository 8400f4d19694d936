import Testing
import TernImage
import TernModel

@testable import TernQuality

private let shape = InputRecipe(
    modality: "DX", channels: 1, height: 16, width: 16, crop: .centreSquare, filter: .bicubic, intensity: .fileWindow, scale: [1], offset: [0])

private let thresholds: [(criterion: QualityCriterion, threshold: Float)] = [
    (.viewPosition, 0), (.burnedInAnnotation, 0), (.lossyCompression, 0), (.shortSide, 64), (.mostColour, 0.1), (.contrast, 4), (.brightness, 12),
    (.saturation, 0.5), (.blur, 0.9), (.text, 0.05),
]

/// Every criterion that a grey model may have.
private let rules = QualityRules(
    rules: thresholds.map {
        QualityRule(criterion: $0.criterion, threshold: $0.threshold, text: $0.criterion == .viewPosition ? "AP,PA" : "", cases: 100, refused: 0)
    }, measuredOn: "test", cases: 100, refused: 0)

private func picture(width: Int = 80, height: Int = 64, colour: [UInt8]? = nil) -> DecodedImage {
    let samples = (0..<(width * height)).flatMap { _ in colour ?? [9] }
    return DecodedImage(width: width, height: height, channels: colour?.count ?? 1, bitsStored: 8, samples: .uint8(samples), greyscale: nil)
}

/// A board of fields of two by two: as sharp as can be for an operator over three pixels.
private func board(_ dark: Float, _ bright: Float) -> [Float] { (0..<256).map { ($0 / 32 + $0 % 16 / 2) % 2 == 0 ? dark : bright } }

private func refusal(
    _ prepared: [Float] = board(20, 200), image: DecodedImage = picture(), text: Float = 0, _ change: (inout ImageAttributes) -> Void = { _ in }
) -> String? {
    var attributes = ImageAttributes()
    change(&attributes)
    return assessQuality(rules, image: image, attributes: attributes, prepared: prepared.span, recipe: shape, textShare: { text }).refusal?.value
}

@Test func fitImagesPass() {
    #expect(refusal() == nil)
    #expect(refusal { $0.viewPosition = "PA" } == nil)
    #expect(refusal { $0.hasBurnedInAnnotation = false } == nil)
    #expect(refusal(image: picture(colour: [90, 95, 99])) == nil)
}

@Test func eachCriterionRefusesWithItsCode() {
    #expect(refusal { $0.viewPosition = "LL" } == "VIEW-OTHER")
    #expect(refusal { $0.viewPosition = "A" } == "VIEW-OTHER")
    #expect(refusal { $0.hasBurnedInAnnotation = true } == "BURNED-IN")
    #expect(refusal { $0.isLossyCompressed = true } == "LOSSY")
    #expect(refusal(image: picture(width: 63)) == "IMAGE-TOO-SMALL")
    #expect(refusal(image: picture(colour: [10, 90, 200])) == "COLOUR-NOT-GREY")
    #expect(refusal(board(100, 104)) == "CONSTANT")
    #expect(refusal(board(0, 20)) == "TOO-DARK")
    #expect(refusal(board(0, 255).enumerated().map { $0.offset < 64 ? 255 : $0.element }) == "SATURATED")
    #expect(refusal((0..<256).map { Float($0 % 16) * 12 }) == "BLURRED")
    #expect(refusal(text: 0.06) == "TEXT-OVER-FIELD")
}

@Test func theFirstBrokenRuleIsTheOneReported() {
    #expect(refusal(board(0, 0), image: picture(width: 1)) { $0.isLossyCompressed = true } == "LOSSY")
    #expect(refusal(board(0, 0), text: 1) == "CONSTANT")
}

@Test func greyIsRefusedWhereColourIsNeeded() {
    let colour = QualityRules(
        rules: [QualityRule(criterion: .leastColour, threshold: 0.25, cases: 9, refused: 0)], measuredOn: "test", cases: 9, refused: 0)
    func found(_ image: DecodedImage) -> String? {
        assessQuality(colour, image: image, attributes: ImageAttributes(), prepared: board(0, 255).span, recipe: shape, textShare: { 0 }).refusal?.value
    }
    #expect(found(picture()) == "GREY-NOT-COLOUR")
    #expect(found(picture(colour: [10, 90, 200])) == nil)
}

@Test func aModelWithoutRulesIsNotAssessed() {
    let report = assessQuality(nil, image: picture(), attributes: ImageAttributes(), prepared: board(0, 0).span, recipe: shape, textShare: { 1 })
    #expect(report == .notAssessed && !report.isAssessed)
}

@Test func textIsSearchedOnlyWhereARuleAsks() {
    let few = QualityRules(rules: [QualityRule(criterion: .contrast, threshold: 1, cases: 1, refused: 0)], measuredOn: "test", cases: 1, refused: 0)
    var searches = 0
    let report = assessQuality(few, image: picture(), attributes: ImageAttributes(), prepared: board(0, 9).span, recipe: shape) {
        searches += 1
        return 1
    }
    #expect(searches == 0 && report.measures?.text == nil && report.isAssessed)
}

@Test func reasonsFitTheirFields() {
    for criterion in QualityCriterion.allCases {
        let refusal = QualityRefusal(criterion)
        #expect(refusal.scheme == "99TERN" && (1...16).contains(refusal.value.utf8.count) && (1...64).contains(refusal.meaning.utf8.count))
        #expect((criterion.measureName == nil) == !criterion.isMeasured)
    }
}
