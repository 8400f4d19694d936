public import TernImage
public import TernModel

/// Why an image is not fit for the model, as a code triplet of the private scheme `99TERN`.
public struct QualityRefusal: Equatable, Sendable {
    public var criterion: QualityCriterion
    public init(_ criterion: QualityCriterion) { self.criterion = criterion }

    public var scheme: String { "99TERN" }
    /// At most 16 characters.
    public var value: String {
        switch criterion {
        case .viewPosition: "VIEW-OTHER"
        case .burnedInAnnotation: "BURNED-IN"
        case .lossyCompression: "LOSSY"
        case .shortSide: "IMAGE-TOO-SMALL"
        case .mostColour: "COLOUR-NOT-GREY"
        case .leastColour: "GREY-NOT-COLOUR"
        case .contrast: "CONSTANT"
        case .brightness: "TOO-DARK"
        case .saturation: "SATURATED"
        case .blur: "BLURRED"
        case .text: "TEXT-OVER-FIELD"
        }
    }
    /// At most 64 characters.
    public var meaning: String {
        switch criterion {
        case .viewPosition: "The model is for another view"
        case .burnedInAnnotation: "The file says that annotation is burned into the image"
        case .lossyCompression: "The image was compressed with loss, which the model forbids"
        case .shortSide: "The image is too small for the model"
        case .mostColour: "The image is in colour, the model needs grey"
        case .leastColour: "The image is grey, the model needs colour"
        case .contrast: "The image is constant or nearly so"
        case .brightness: "The image is too dark"
        case .saturation: "Too much of the image is saturated"
        case .blur: "The image is blurred"
        case .text: "Burned-in text lies over the image"
        }
    }
}

/// What the quality gate says of one image.
public struct QualityReport: Equatable, Sendable {
    /// False for a model without rules; then nothing is measured.
    public var isAssessed: Bool { measures != nil }
    public var measures: QualityMeasures?
    /// The first rule that the image breaks, in the order of the criteria.
    public var refusal: QualityRefusal?

    /// The report of a model without rules.
    public static let notAssessed = QualityReport(measures: nil, refusal: nil)
}

/// Asks of an image whether it is fit for a model: what the file says of it, how large it is, and how the model's input looks.
///
/// Modality is not asked here: TernPrepare refuses a wrong one before there is an input.
///
/// - Parameters:
///   - rules: of the model file; nil gives `.notAssessed`.
///   - image: the decoded picture, of which size and colour are looked at.
///   - prepared: the model's input, [recipe.channels, recipe.height, recipe.width], of which everything else is measured.
///   - textShare: the share of the field under burned-in text; asked for only when a rule is about it, so that others do not pay for the search.
/// - Cost: a histogram and two passes over the input, for colour 65,536 pixels of the picture; independent of the picture's size.
public func assessQuality(
    _ rules: QualityRules?, image: DecodedImage, attributes: ImageAttributes, prepared: Span<Float>, recipe: InputRecipe, textShare: () -> Float
) -> QualityReport {
    guard let rules else { return .notAssessed }
    return assess(rules, min(image.width, image.height), colourShare(of: image), attributes, prepared, recipe, textShare)
}

/// The same of a picture in memory that somebody else holds.
///
/// - Precondition: `bytes` hold `pixels.byteCount` bytes at least.
public func assessQuality(
    _ rules: QualityRules?, pixels: RawPixels, in bytes: RawSpan, prepared: Span<Float>, recipe: InputRecipe, textShare: () -> Float
) -> QualityReport {
    guard let rules else { return .notAssessed }
    return assess(rules, min(pixels.width, pixels.height), colourShare(of: pixels, in: bytes), ImageAttributes(), prepared, recipe, textShare)
}

private func assess(
    _ rules: QualityRules, _ shortSide: Int, _ colour: Float, _ attributes: ImageAttributes, _ prepared: Span<Float>, _ recipe: InputRecipe,
    _ textShare: () -> Float
) -> QualityReport {
    let plane = displayPlane(of: prepared, recipe: recipe)
    let (brightness, contrast, saturation) = levels(of: plane)
    let measures = QualityMeasures(
        shortSide: shortSide, colour: colour, brightness: brightness, contrast: contrast, saturation: saturation,
        blur: blurEffect(of: plane), text: rules.rule(.text) == nil ? nil : textShare())
    return QualityReport(measures: measures, refusal: firstRefusal(rules, measures, attributes))
}

/// The first rule that is broken; rules ascend by criterion.
func firstRefusal(_ rules: QualityRules, _ measures: QualityMeasures, _ attributes: ImageAttributes) -> QualityRefusal? {
    for rule in rules.rules {
        let isRefused =
            switch rule.criterion {
            case .viewPosition: attributes.viewPosition.map { !isListed($0, in: rule.text) } ?? false
            case .burnedInAnnotation: attributes.hasBurnedInAnnotation == true
            case .lossyCompression: attributes.isLossyCompressed
            default: measures.value(of: rule.criterion).map { rule.refuses($0) } ?? false
            }
        if isRefused { return QualityRefusal(rule.criterion) }
    }
    return nil
}

/// Whether a word stands in a list with commas.
private func isListed(_ word: String, in list: String) -> Bool {
    let comma = UInt8(ascii: ",")
    return list.utf8.split(separator: comma).contains { $0.elementsEqual(word.utf8) }
}
