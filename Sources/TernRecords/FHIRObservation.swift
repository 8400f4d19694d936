import TernFindings
import TernImage

extension FHIRWriter {
    /// The score with the call as its interpretation: positive, negative, or indeterminate where a human decides.
    mutating func writeFinding(_ index: Int) {
        let finding = findings[index]
        beginEntry("Observation", "finding-\(index)")
        writeLocation(finding)
        text.member("status", "preliminary")
        text.key("code")
        concept(finding.code, text: finding.label)
        text.member("issued", result.time)
        text.key("valueQuantity")
        quantity(finding.score)
        writeInterpretation(finding)
        if let code = model.region?.code {
            text.key("bodySite")
            concept(code)
        }
        text.key("method")
        concept(CodedTerm(scheme: "DCM", value: "123110", meaning: "Artificial Intelligence"))
        text.key("device")
        reference("device")
        writeThreshold(finding)
        text.key("component")
        text.beginArray()
        writeComponent("tier", "Tier of the score", code: finding.tier.rawValue)
        writeComponent("calibrated", "Score is a calibrated probability", flag: finding.isCalibrated)
        writeComponent("operating-point-confirmed", "Thresholds are confirmed for the model file", flag: finding.isConfirmed)
        writeComponent("out-of-distribution", "Image is unlike those that the model was made for", flag: finding.isOutOfDistribution)
        if let set = result.conformal {
            writeComponent("conformal-level", "Level of the conformal set", number: set.level)
            let isPossible = set.labels.contains { $0.utf8.elementsEqual(finding.label.utf8) }
            writeComponent("in-conformal-set", "Label is possible at that level", flag: isPossible)
        }
        if let frame = finding.frame { writeComponent("frame", "Frame of the highest score, first is 1", integer: frame) }
        text.endArray()
        endEntry("Observation", "finding-\(index)")
    }

    private mutating func writeInterpretation(_ finding: Finding) {
        text.key("interpretation")
        text.beginArray()
        text.beginObject()
        text.key("coding")
        text.beginArray()
        text.beginObject()
        text.member("system", "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation")
        switch finding.interpretation {
        case .positive: text.member("code", "POS")
        case .negative: text.member("code", "NEG")
        case .review: text.member("code", "IND")
        }
        text.endObject()
        text.endArray()
        text.member("text", finding.interpretation.rawValue)
        text.endObject()
        text.endArray()
    }

    private mutating func writeThreshold(_ finding: Finding) {
        guard let threshold = finding.threshold else { return }
        text.key("referenceRange")
        text.beginArray()
        text.beginObject()
        text.key("high")
        quantity(threshold)
        text.member("text", "negative below the threshold of the operating point \(finding.operatingPoint)")
        text.endObject()
        text.endArray()
    }

    @inline(never)
    private mutating func beginComponent(_ value: String, _ meaning: String) {
        text.beginObject()
        text.key("code")
        concept(FHIRSystem.own(value, meaning))
    }

    private mutating func writeComponent(_ value: String, _ meaning: String, flag: Bool) {
        beginComponent(value, meaning)
        text.member("valueBoolean", flag)
        text.endObject()
    }

    private mutating func writeComponent(_ value: String, _ meaning: String, integer: Int) {
        beginComponent(value, meaning)
        text.member("valueInteger", integer)
        text.endObject()
    }

    private mutating func writeComponent(_ value: String, _ meaning: String, code: String) {
        beginComponent(value, meaning)
        text.key("valueCodeableConcept")
        concept(FHIRSystem.own(code, ""))
        text.endObject()
    }

    private mutating func writeComponent(_ value: String, _ meaning: String, number: Float?) {
        beginComponent(value, meaning)
        if let number, number.isFinite {
            text.key("valueQuantity")
            quantity(number)
        } else {
            text.key("dataAbsentReason")
            text.beginObject()
            text.key("coding")
            text.beginArray()
            text.beginObject()
            text.member("system", "http://terminology.hl7.org/CodeSystem/data-absent-reason")
            text.member("code", "not-a-number")
            text.endObject()
            text.endArray()
            text.endObject()
        }
        text.endObject()
    }

    /// What the quality gate measured, and how far the image is from those that the model was made for.
    mutating func writeQuality() {
        beginEntry("Observation", "quality")
        text.member("status", "preliminary")
        text.key("code")
        concept(CodedTerm(scheme: "DCM", value: "111101", meaning: "Image Quality"))
        text.member("issued", result.time)
        text.key("valueCodeableConcept")
        if case .notAnalysed(let reason) = result.answer { concept(reason) } else { concept(FHIRSystem.own("accepted", "Analysed")) }
        text.key("device")
        reference("device")
        text.key("component")
        text.beginArray()
        if let quality = result.quality, quality.isAssessed {
            for measure in quality.measures { writeComponent(measure.name, "", number: measure.value) }
        }
        if let distance = result.outOfDistribution {
            writeComponent("distance", "Distance from the images that the model was made for", number: distance.score)
            writeComponent("distance-limit", "Distance above which a human decides", number: distance.threshold)
        }
        text.endArray()
        endEntry("Observation", "quality")
    }

    // Where

    private mutating func writeLocation(_ finding: Finding) {
        let map = evidence?.maps.first { $0.label.utf8.elementsEqual(finding.label.utf8) }
        guard let method = finding.location?.method ?? map?.method else { return }
        text.key("extension")
        text.beginArray()
        text.beginObject()
        text.member("url", FHIRSystem.location)
        text.key("extension")
        text.beginArray()
        extensionMember("method", "valueCode", method.rawValue)
        for region in finding.location?.regions ?? [] { write(region) }
        if let map { write(map) }
        text.endArray()
        text.endObject()
        text.endArray()
    }

    private mutating func write(_ region: FindingRegion) {
        beginExtension("region")
        write(region.box)
        extensionMember("share", decimal: region.share)
        if let side = region.side { extensionMember("side", "valueCode", side.rawValue) }
        if let size = region.millimetres {
            extensionMember("xMillimetres", decimal: size.x)
            extensionMember("yMillimetres", decimal: size.y)
            extensionMember("widthMillimetres", decimal: size.width)
            extensionMember("heightMillimetres", decimal: size.height)
            extensionMember("scale", "valueCode", size.isAtDetector ? "detector" : "patient")
        }
        endExtension()
    }

    private mutating func write(_ box: PixelRectangle) {
        extensionMember("x", integer: box.x)
        extensionMember("y", integer: box.y)
        extensionMember("width", integer: box.width)
        extensionMember("height", integer: box.height)
    }

    /// The patches' shares in millionths, row by row, as a SampledData with a row for each period.
    private mutating func write(_ map: LocationMap) {
        beginExtension("map")
        write(map.area)
        extensionMember("columns", integer: map.columns)
        extensionMember("rows", integer: map.rows)
        if let evidence { extensionMember("frame", integer: evidence.frame) }
        text.beginObject()
        text.member("url", "values")
        text.key("valueSampledData")
        text.beginObject()
        text.key("origin")
        quantity(0)
        text.member("period", 1)
        text.key("factor")
        text.value(json: Array("0.000001".utf8))
        text.member("dimensions", map.columns)
        var data = ""
        for (index, value) in map.values.enumerated() {
            if index > 0 { data += " " }
            data += value.isFinite ? String(Int64((Double(value) * 1_000_000).rounded().clamped(to: 1e15))) : "E"
        }
        text.member("data", data)
        text.endObject()
        text.endObject()
        endExtension()
    }

    private mutating func beginExtension(_ url: String) {
        text.beginObject()
        text.member("url", url)
        text.key("extension")
        text.beginArray()
    }

    private mutating func endExtension() {
        text.endArray()
        text.endObject()
    }
}

extension Double {
    /// Within -limit ... limit.
    func clamped(to limit: Double) -> Double { self > limit ? limit : self < -limit ? -limit : self }
}
