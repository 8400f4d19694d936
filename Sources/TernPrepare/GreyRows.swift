import TernBytes
import TernImage
import TernKernels

/// The rows of one channel of an image, or of its luminance, as the kernels take them: stored values where the grey scale is a ramp, grey values else.
struct GreyRows {
    /// Which values of a pixel.
    enum Channel {
        case one(Int)
        case luminance
    }
    private let image: DecodedImage
    /// Where the samples lie when `image` has none: 16 bits of grey in the memory that `add` is given.
    private let pixels: RawPixels?
    private let crop: Crop
    private let channel: Channel
    private let source: Source
    /// Grey values of the rows of one run.
    private var values: [Float]

    fileprivate enum Source {
        /// Stored values are clipped to the ramp's ends; its slope comes after the sums.
        case ramp(Ramp)
        /// By the low bits of a stored value.
        case table([Float])
        /// Value by value.
        case map(GreyscaleMap)
    }
    /// What makes 0 ... 255 of a sum of values.
    var scale: (factor: Double, addend: Double) {
        if case .ramp(let ramp) = source { return (ramp.factor, ramp.addend) }
        return (1, 0)
    }

    init(image: DecodedImage, pixels: RawPixels? = nil, map: GreyscaleMap, crop: Crop, channel: Channel) {
        self.image = image
        self.pixels = pixels
        self.crop = crop
        self.channel = channel
        let isRampable = image.channels == 1
        switch image.samples {
        case .uint16: source = isRampable ? map.source(lowest: 0, bits: image.bitsStored) : .table(map.floats(bits: image.bitsStored, isSigned: false))
        case .int16:
            source =
                isRampable
                ? map.source(lowest: -(1 << (image.bitsStored - 1)), bits: image.bitsStored)
                : .table(map.floats(bits: image.bitsStored, isSigned: true))
        case .uint8: source = .table(map.floats(bits: image.bitsStored, isSigned: false))
        case .uint32, .int32, .real: source = .map(map)
        }
        if case .ramp = source { values = [] } else { values = [Float](repeating: 0, count: crop.width * ResizeKernels.limitRowCount) }
    }

    /// Adds the rows of one step.
    mutating func add(_ step: ResampleRuns.Step, in memory: RawSpan, weights: [Float], to sums: inout ResizeSums<Double>, _ kernels: ResizeKernels) {
        if case .ramp(let ramp) = source {
            switch image.samples {
            case .uint16 where pixels != nil:
                kernels.addColumns(memory, rows(step.row), as: .uint16(low: ramp.low, high: ramp.high), weights: weights, run: step.run, to: &sums)
            case .uint16(let samples):
                kernels.addColumns(
                    samples.rawBytes, rows(step.row), as: .uint16(low: ramp.low, high: ramp.high), weights: weights, run: step.run, to: &sums)
            case .int16(let samples):
                kernels.addColumns(
                    samples.rawBytes, rows(step.row), as: .int16(low: ramp.low, high: ramp.high), weights: weights, run: step.run, to: &sums)
            default: preconditionFailure("only 16-bit samples have a ramp")
            }
            return
        }
        fill(step, in: memory)
        kernels.addColumns(
            values.rawBytes, ResizeRows(byteOffset: 0, byteStride: crop.width * 4, columnCount: crop.width), as: .real, weights: weights,
            run: step.run, to: &sums)
    }

    /// Rows of 16-bit samples of a grey image from row `y` of the crop on.
    private func rows(_ y: Int) -> ResizeRows {
        if let pixels {
            return ResizeRows(byteOffset: (crop.y + y) * pixels.byteStride + crop.x * 2, byteStride: pixels.byteStride, columnCount: crop.width)
        }
        return ResizeRows(byteOffset: ((crop.y + y) * image.width + crop.x) * 2, byteStride: image.width * 2, columnCount: crop.width)
    }

    private mutating func fill(_ step: ResampleRuns.Step, in memory: RawSpan) {
        switch (source, image.samples) {
        case (.table(let table), .uint16) where pixels != nil:
            ResizeKernels.lookUp(memory, rows(step.row), rowCount: step.run.rowCount, table: table, into: &values)
        case (.table(let table), .uint16(let samples)) where image.channels == 1:
            ResizeKernels.lookUp(samples.rawBytes, rows(step.row), rowCount: step.run.rowCount, table: table, into: &values)
        case (.table(let table), .int16(let samples)) where image.channels == 1:
            ResizeKernels.lookUp(samples.rawBytes, rows(step.row), rowCount: step.run.rowCount, table: table, into: &values)
        case (.table(let table), .uint8(let samples)): fill(step) { table[Int(samples[$0]) & (table.count - 1)] }
        case (.table(let table), .uint16(let samples)): fill(step) { table[Int(samples[$0]) & (table.count - 1)] }
        case (.table(let table), .int16(let samples)): fill(step) { table[Int(samples[$0]) & (table.count - 1)] }
        case (.map(let map), .uint32(let samples)): fill(step) { Float(map.shown(Double(samples[$0]))) }
        case (.map(let map), .int32(let samples)): fill(step) { Float(map.shown(Double(samples[$0]))) }
        case (.map(let map), .real(let samples)): fill(step) { Float(map.shown(Double(samples[$0]))) }
        default: preconditionFailure("tables are for at most 16 bits, ramps need no grey values")
        }
    }

    /// Writes the rows of a step, `grey` giving the grey value of the sample at an index. Luminance has the weights of the 8-bit way, without its rounding.
    @inline(__always)
    private mutating func fill(_ step: ResampleRuns.Step, grey: (Int) -> Float) {
        for row in 0..<step.run.rowCount {
            let start = ((crop.y + step.row + row) * image.width + crop.x) * image.channels
            let target = row * crop.width
            switch channel {
            case .one(let channel):
                for x in 0..<crop.width { values[target + x] = grey(start + x * image.channels + channel) }
            case .luminance:
                for x in 0..<crop.width {
                    let index = start + x * 3
                    let red = Double(grey(index)) * (19_595.0 / 65_536)
                    let green = Double(grey(index + 1)) * (38_470.0 / 65_536)
                    let blue = Double(grey(index + 2)) * (7_471.0 / 65_536)
                    values[target + x] = Float(red + green + blue)
                }
            }
        }
    }
}

/// A grey scale that is a straight line between two stored values: (min(max(stored, low), high)) * factor + addend.
struct Ramp: Equatable {
    /// Whole multiples of 2^-12 within the range of the stored values.
    var low: Double
    var high: Double
    var factor: Double
    var addend: Double
}

extension GreyscaleMap {
    fileprivate func source(lowest: Int, bits: Int) -> GreyRows.Source {
        if let ramp = ramp(lowest: lowest, highest: lowest + (1 << bits) - 1) { return .ramp(ramp) }
        return .table(floats(bits: bits, isSigned: lowest < 0))
    }

    fileprivate func floats(bits: Int, isSigned: Bool) -> [Float] { table(bitsStored: bits, isSigned: isSigned).map { Float($0) } }

    /// The map as a ramp, when rounding the ramp's ends for the kernels moves no grey value by more than 1e-7 of full scale.
    func ramp(lowest: Int, highest: Int) -> Ramp? {
        guard let (factor, addend) = affine, factor != 0 else { return nil }
        let ends = (-addend / factor, (255 - addend) / factor)
        let low = max(min(ends.0, ends.1), Double(lowest))
        let high = min(max(ends.0, ends.1), Double(highest))
        guard low < high else { return nil }
        let rounded = ((low * 4096).rounded() / 4096, (high * 4096).rounded() / 4096)
        guard max(abs(rounded.0 - low), abs(rounded.1 - high)) * abs(factor) <= 2.5e-5, rounded.0 < rounded.1 else { return nil }
        return Ramp(low: rounded.0, high: rounded.1, factor: factor, addend: addend)
    }
}
