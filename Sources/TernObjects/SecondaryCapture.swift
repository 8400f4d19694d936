import TernFindings
public import TernImage

/// The picture of a capture.
public struct CapturedPicture: Equatable, Sendable {
    /// With the map and its regions over it where there is one.
    public var picture: ShownImage
    /// The frame that it shows; nil for an image of one.
    public var frame: Int?
    /// The label whose map is drawn; nil when none is.
    public var mappedLabel: String?
    public init(picture: ShownImage, frame: Int?, mappedLabel: String?) {
        self.picture = picture
        self.frame = frame
        self.mappedLabel = mappedLabel
    }
}

extension ObjectContext {
    /// Laterality is of type 2C: of a part without a pair it is there only with a value, and of others empty where nobody knows.
    private func addSide(to object: inout DataSetBuilder) {
        let side = source.value(Tag.laterality) ?? []
        let isChest = model.region?.key.utf8.elementsEqual("chest".utf8) == true
        if isChest { object.add(Tag.bodyPartExamined, .codeString, "CHEST") }
        if !side.isEmpty || !isChest { object.add(Tag.laterality, .codeString, side) }
    }

    /// The result as a picture that every viewer shows, a Secondary Capture: the image, with what is laid over it, and below it in words what it is
    /// and what the model says. RGB, not compressed.
    ///
    /// - Source: PS3.3 2024d A.8.1, C.7.6.1, C.7.6.3, C.8.6.
    public func secondaryCapture(_ captured: CapturedPicture) -> ObjectFile {
        let canvas = drawn(captured)
        var object = DataSetBuilder()
        object.add(Tag.conversionType, .codeString, "WSD")
        object.add(Tag.imageType, .codeString, "DERIVED\\SECONDARY")
        object.add(Tag.patientOrientation, .codeString, source.value(Tag.patientOrientation) ?? [])
        addSide(to: &object)
        object.add(Tag.derivationDescription, .shortText, "Result of an AI model drawn over the source image; reviewed by nobody")
        object.add(Tag.imageComments, .longText, text.line(Self.disclaimer, limitCount: 1024))
        if let burnedIn = source.value(Tag.burnedInAnnotation), burnedIn.elementsEqual("YES".utf8) {
            object.add(Tag.burnedInAnnotation, .codeString, burnedIn)
        }
        if result.input.attributes?.isLossyCompressed == true { object.add(Tag.lossyImageCompression, .codeString, "01") }
        object.add(Tag.sourceImages, item: sourceImage(frame: captured.frame))
        object.add(Tag.samplesPerPixel, short: 3)
        object.add(Tag.photometricInterpretation, .codeString, "RGB")
        object.add(Tag.planarConfiguration, short: 0)
        object.add(Tag.rows, short: canvas.height)
        object.add(Tag.columns, short: canvas.width)
        object.add(Tag.bitsAllocated, short: 8)
        object.add(Tag.bitsStored, short: 8)
        object.add(Tag.highBit, short: 7)
        object.add(Tag.pixelRepresentation, short: 0)
        object.add(Tag.pixelData, .otherByte, canvas.samples)
        let kind = Kind(
            name: "capture", classUID: "1.2.840.10008.5.1.4.1.1.7", modality: "OT", seriesNumber: "9902",
            seriesDescription: "AI findings as a picture, not verified")
        return file(kind, object)
    }

    private func sourceImage(frame: Int?) -> DataSetBuilder {
        var image = DataSetBuilder()
        image.add(Tag.referencedClassUID, .uniqueIdentifier, source.classUID)
        image.add(Tag.referencedInstanceUID, .uniqueIdentifier, source.instanceUID)
        if let frame { image.add(Tag.referencedFrameNumber, .integerString, String(frame)) }
        image.add(Tag.purposeOfReference, item: text.item(Term.dicom("121322", "Source image for image processing operation")))
        return image
    }

    /// The narrowest canvas: words fit beside each other.
    private static let leastWidth = 320
    /// The longest that enlarging makes a picture: of one column and a thousand rows it would make gigabytes, and more rows than an object can have.
    private static let limitEnlargedHeight = 2048

    /// Small pictures are enlarged so that words fit beside each other.
    private func drawn(_ captured: CapturedPicture) -> Canvas {
        let picture = captured.picture
        let factor = max(1, min(512 / max(picture.width, 1), Self.limitEnlargedHeight / max(picture.height, 1)))
        var canvas = Canvas(picture, factor: factor, leastWidth: Self.leastWidth)
        let scale = canvas.width >= 640 ? 2 : 1
        let lines = captureWords(captured).flatMap { Self.wrapped(ObjectText(isUnicode: false).line($0, limitCount: 400), columns: canvas.width / (Canvas.letterWidth * scale) - 1) }
        var row = canvas.extend(by: (lines.count + 1) * Canvas.lineHeight * scale) + Canvas.lineHeight * scale / 2
        for line in lines {
            canvas.draw(line, x: Canvas.letterWidth * scale / 2, y: row, scale: scale)
            row += Canvas.lineHeight * scale
        }
        return canvas
    }

    /// What stands below the picture, a paragraph each.
    private func captureWords(_ captured: CapturedPicture) -> [String] {
        var words = ["AI result, not reviewed. " + "A qualified human decides. Not an original image."]
        words.append("Model \(model.reference.name) \(model.reference.version), ternd \(softwareVersion)")
        switch result.answer {
        case .finding: words.append("Answer: finding")
        case .noFinding: words.append("Answer: no finding among what the model looks for")
        case .needsReview(let reason): words.append("Answer: a human must decide. " + reason.meaning)
        case .notAnalysed(let reason): words.append("Answer: not analysed. " + reason.meaning)
        }
        for finding in result.findings.prefix(Self.limitFindingCount) {
            let call = finding.call == .positive ? "positive" : finding.call == .negative ? "negative" : "a human must decide"
            let threshold = finding.threshold.map { ", threshold \(Self.rounded($0))" } ?? ""
            let frame = finding.frame.map { ", frame \($0)" } ?? ""
            words.append("\(finding.label): \(call), score \(Self.rounded(finding.score))\(threshold)\(frame)")
        }
        if result.findings.count > Self.limitFindingCount { words.append("and \(result.findings.count - Self.limitFindingCount) labels more in the report") }
        if let label = captured.mappedLabel { words.append("Colour: where the model looked for \(label). A help to look, not the outline of a lesion.") }
        return words
    }

    private static let limitFindingCount = 16

    /// Three digits behind the point.
    private static func rounded(_ value: Float) -> String {
        guard value.isFinite, value >= 0, value <= 1000 else { return value.description }
        let thousandths = String(Int((Double(value) * 1000).rounded()) % 1000)
        return String(Int((Double(value) * 1000).rounded()) / 1000) + "." + String(repeating: "0", count: 3 - thousandths.utf8.count) + thousandths
    }

    /// Lines of at most so many characters, broken at spaces where there is one.
    static func wrapped(_ text: [UInt8], columns: Int) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = text[...]
        while rest.count > max(columns, 1) {
            let head = rest.prefix(max(columns, 1))
            let end = head.lastIndex(of: 0x20) ?? head.endIndex
            lines.append(Array(rest[..<end]))
            rest = rest[end...].drop { $0 == 0x20 }
        }
        lines.append(Array(rest))
        return lines
    }
}
