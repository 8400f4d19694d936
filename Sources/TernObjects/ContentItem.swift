import TernFindings

/// How an item of a report's content belongs to the one above it, PS3.3 2024d table C.17.3-8.
enum Relationship: String {
    case contains = "CONTAINS"
    case context = "HAS OBS CONTEXT"
    case acquisition = "HAS ACQ CONTEXT"
    case modifier = "HAS CONCEPT MOD"
    case properties = "HAS PROPERTIES"
    case selectedFrom = "SELECTED FROM"
}

/// One item of a report's content, with those below it (PS3.3 2024d C.17.3).
struct ContentItem {
    private var attributes = DataSetBuilder()
    private var children: [DataSetBuilder] = []
    private let text: ObjectText

    private init(_ valueType: String, _ name: CodedTerm?, _ text: ObjectText) {
        self.text = text
        attributes.add(Tag.valueType, .codeString, valueType)
        if let name { attributes.add(Tag.conceptName, item: text.item(name)) }
    }

    /// A heading; `template` is the number of the one that what is below follows.
    static func container(_ name: CodedTerm, template: String? = nil, _ text: ObjectText) -> ContentItem {
        var item = ContentItem("CONTAINER", name, text)
        item.attributes.add(Tag.continuity, .codeString, "SEPARATE")
        if let template {
            var identification = DataSetBuilder()
            identification.add(Tag.mappingResource, .codeString, "DCMR")
            identification.add(Tag.templateIdentifier, .codeString, template)
            item.attributes.add(Tag.contentTemplate, item: identification)
        }
        return item
    }

    static func code(_ name: CodedTerm, _ value: CodedTerm, _ text: ObjectText) -> ContentItem {
        var item = ContentItem("CODE", name, text)
        item.attributes.add(Tag.conceptCode, item: text.item(value))
        return item
    }

    /// A text without line breaks, of at most 1,024 characters.
    static func text(_ name: CodedTerm, _ value: String, _ text: ObjectText) -> ContentItem {
        var item = ContentItem("TEXT", name, text)
        let characters = text.line(value, limitCount: 1024)
        item.attributes.add(Tag.textValue, .unlimitedText, characters.isEmpty ? [0x2D] : characters)
        return item
    }

    static func identifier(_ name: CodedTerm, _ value: String, _ text: ObjectText) -> ContentItem {
        var item = ContentItem("UIDREF", name, text)
        item.attributes.add(Tag.uniqueIdentifierValue, .uniqueIdentifier, value)
        return item
    }

    /// A number with its unit of UCUM; nil for what is no number.
    static func number(_ name: CodedTerm, _ value: Float, unit: CodedTerm, _ text: ObjectText) -> ContentItem? {
        guard let digits = decimalString(value) else { return nil }
        var item = ContentItem("NUM", name, text)
        var measured = DataSetBuilder()
        measured.add(Tag.measurementUnits, item: text.item(unit))
        measured.add(Tag.numericValue, .decimalString, digits)
        item.attributes.add(Tag.measuredValue, item: measured)
        return item
    }

    /// The image, or one of its frames: the first is 1, nil for an image of one.
    static func image(_ name: CodedTerm?, _ source: SourceInstance, frame: Int?, _ text: ObjectText) -> ContentItem {
        var item = ContentItem("IMAGE", name, text)
        var reference = DataSetBuilder()
        reference.add(Tag.referencedClassUID, .uniqueIdentifier, source.classUID)
        reference.add(Tag.referencedInstanceUID, .uniqueIdentifier, source.instanceUID)
        if let frame { reference.add(Tag.referencedFrameNumber, .integerString, String(frame)) }
        item.attributes.add(Tag.referencedInstances, item: reference)
        return item
    }

    /// A closed line over the image, as columns and rows from the upper left corner of the first pixel, which is 0, 0.
    static func polyline(_ name: CodedTerm, _ points: [Float], _ text: ObjectText) -> ContentItem {
        var item = ContentItem("SCOORD", name, text)
        var bytes: [UInt8] = []
        for value in points { bytes.append(long: value.bitPattern) }
        item.attributes.add(Tag.graphicData, .float, bytes)
        item.attributes.add(Tag.graphicType, .codeString, "POLYLINE")
        return item
    }

    /// Puts an item below this one, behind those that are there.
    @inline(never)
    mutating func add(_ relationship: Relationship, _ child: ContentItem?) {
        guard let child else { return }
        var attributes = child.dataSet
        attributes.add(Tag.relationshipType, .codeString, relationship.rawValue)
        children.append(attributes)
    }

    /// The item with all below it.
    var dataSet: DataSetBuilder {
        var all = attributes
        if !children.isEmpty { all.add(Tag.content, items: children) }
        return all
    }
}
