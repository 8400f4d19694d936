import TernImage

/// From samples to the image that is handed over: palettes become RGB, luminance and colour differences too.
extension PixelFormat {
    /// - Parameter stored: the samples of one frame; subsampled ones as they lie in native pixels.
    func image(_ stored: consuming StoredSamples, greyscale: DecodedImage.Greyscale?) -> DecodedImage {
        if palette != nil { return coloured(samples(stored)) }
        if channels == 1 { return finished(samples(stored), greyscale) }
        switch consume stored {
        case .bytes(let values):
            var pixels = isPlanar ? interleaved(values, channels: channels) : values
            if isSubsampled { pixels = expandSubsampled(pixels) }
            if photometric != .rgb { convertToRGB(&pixels) }
            return finished(samples(.bytes(pixels)), nil)
        case .words(let values): return finished(samples(.words(isPlanar ? interleaved(values, channels: channels) : values)), nil)
        case .longs(let values): return finished(samples(.longs(isPlanar ? interleaved(values, channels: channels) : values)), nil)
        // `PixelFormat` has no signed colour.
        case .signedWords, .signedLongs: return finished(.uint8([UInt8](repeating: 0, count: sampleCount)), nil)
        }
    }

    /// Makes the data set's image of what a codec decoded.
    ///
    /// The low `bitsStored` bits of each value count, and the data set says whether they have a sign. Where the code stream has fewer bits than the
    /// data set says, its own highest one is the sign: that is how writers that give the wrong number mean it.
    ///
    /// - Throws: `.frameDiffersFromDataSet` when size, number of components or precision contradict the data set.
    func image(
        fromCodec decoded: DecodedImage, isRGB: Bool, greyscale: DecodedImage.Greyscale?
    ) throws(DICOMError) -> DecodedImage {
        guard decoded.width == width, decoded.height == height, decoded.channels == channels, decoded.samples.count == sampleCount,
            decoded.bitsStored <= bitsAllocated
        else { throw .frameDiffersFromDataSet }
        if channels == 3 {
            guard case .uint8(var pixels) = decoded.samples else {
                guard case .uint16(let values) = decoded.samples, photometric == .rgb else { throw .frameDiffersFromDataSet }
                return finished(samples(.words(values)), nil)
            }
            if !isRGB, photometric == .ybrFull || photometric == .ybrFull422 { convertToRGB(&pixels) }
            return finished(samples(.bytes(pixels)), nil)
        }
        let bits = min(bitsStored, decoded.bitsStored)
        let shown: DecodedImage.Samples
        switch decoded.samples {
        case .uint8(let values):
            let isWide = bitsAllocated == 16 || isSigned
            let mask = UInt8.max >> UInt8(8 - bits)
            shown = isWide ? wide(values.map { UInt16($0) }, bits: bits) : .uint8(bits == 8 ? values : values.map { $0 & mask })
        case .uint16(let values): shown = wide(values, bits: bits)
        case .int16(let values): shown = wide(values.map { UInt16(bitPattern: $0) }, bits: bits)
        default: throw .frameDiffersFromDataSet
        }
        return palette == nil ? finished(shown, greyscale) : coloured(shown)
    }

    private func wide(_ values: [UInt16], bits: Int) -> DecodedImage.Samples {
        let shift = Int16(16 - bits)
        if isSigned { return .int16(values.map { (Int16(bitPattern: $0) &<< shift) &>> shift }) }
        return .uint16(bits == 16 ? values : values.map { $0 & (UInt16.max >> UInt16(16 - bits)) })
    }

    private func finished(_ samples: DecodedImage.Samples, _ greyscale: DecodedImage.Greyscale?) -> DecodedImage {
        DecodedImage(width: width, height: height, channels: channels, bitsStored: bitsStored, samples: samples, greyscale: greyscale)
    }

    private func coloured(_ entries: DecodedImage.Samples) -> DecodedImage {
        let samples: DecodedImage.Samples
        switch entries {
        case .uint8(let values): samples = lookedUp(values)
        case .uint16(let values): samples = lookedUp(values)
        case .int16(let values): samples = lookedUp(values)
        default: samples = .uint8([])
        }
        return DecodedImage(width: width, height: height, channels: 3, bitsStored: palette?.bits ?? 8, samples: samples, greyscale: nil)
    }

    private func lookedUp<Index: FixedWidthInteger>(_ entries: [Index]) -> DecodedImage.Samples {
        guard let palette else { return .uint8([]) }
        if palette.bits == 8 { return .uint8(colours(entries, palette, of: UInt8.self)) }
        return .uint16(colours(entries, palette, of: UInt16.self))
    }

    private func colours<Index: FixedWidthInteger, Value: FixedWidthInteger>(_ entries: [Index], _ palette: Palette, of type: Value.Type) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(3 * entries.count)
        for stored in entries {
            let entry = palette.entry(of: Int(stored))
            for plane in 0..<3 { values.append(Value(truncatingIfNeeded: palette.planes[plane][entry])) }
        }
        return values
    }
}
