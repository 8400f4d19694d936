import TernFindings
import TernImage

extension WordsText {
    /// Structure after structure, then what belongs to none.
    mutating func writeFindings(_ result: FindingResult, _ model: ReportModel) {
        if let earlier = result.answeredFrom {
            say("The content is that of an earlier study; its result holds: ", "内容与先前一份检查相同，沿用其结果：")
            add(earlier.id)
            stop()
            return endLine()
        }
        if case .notAnalysed(let reason) = result.answer {
            say("Not analysed: ", "未分析：")
            self.reason(reason)
            stop()
            sentence("No structure was assessed.", "所有结构均未评估。")
            return endLine()
        }
        var isWritten = [Bool](repeating: false, count: result.findings.count)
        let region = RegionWords(model.region)
        for structure in region.structures {
            let indices = result.findings.indices.filter { model.structure(of: result.findings[$0].label).utf8.elementsEqual(structure.key.utf8) }
            say(structure.name.english + ": ", structure.name.chinese + "：")
            if indices.isEmpty { say("not assessed; the model was not trained for it.", "未评估（模型未针对此项训练）。") }
            for (place, index) in indices.enumerated() {
                if place > 0 { say(" ", "") }
                write(result.findings[index], model)
                isWritten[index] = true
            }
            if !indices.isEmpty { sentence("All else here: not assessed.", "其余情况未评估。") }
            endLine()
        }
        writeOthers(result, model, isWritten, region)
        if let set = result.conformal { write(set, model) }
    }

    /// The labels that are possible, the unreported ones too.
    private mutating func write(_ set: ConformalSet, _ model: ReportModel) {
        say("Labels that are possible at the coverage level ", "覆盖水平 ")
        number(set.level)
        say(": ", " 下的可能类别：")
        if set.labels.isEmpty { say("none, the image fits no label", "无，图像与各类别均不符") }
        for (index, label) in set.labels.enumerated() {
            if index > 0 { listComma() }
            isChinese ? add(model.chineseName(of: label)) : add(label)
        }
        stop()
        endLine()
    }

    /// Labels without a place in the order, and how far the report goes.
    private mutating func writeOthers(_ result: FindingResult, _ model: ReportModel, _ isWritten: [Bool], _ region: RegionWords) {
        for (index, finding) in result.findings.enumerated() where !isWritten[index] {
            if !region.structures.isEmpty { say("Other: ", "其他：") }
            write(finding, model)
            endLine()
        }
        if region.structures.isEmpty {
            result.findings.isEmpty
                ? say("The model reports no labels; nothing was assessed.", "该模型不报告任何标签，未作评估。")
                : say("Nothing else was assessed; the model file gives no systematic order.", "除上述项目外均未评估；模型文件未规定系统顺序。")
            endLine()
        }
    }

    private mutating func write(_ finding: Finding, _ model: ReportModel) {
        if isChinese {
            switch finding.call {
            case .negative where finding.interpretation == .review: add(model.chineseName(of: finding.label) + "：过于接近阈值，不作判定，需人工阅片")
            case .positive: add("提示" + model.chineseName(of: finding.label) + "（阳性）")
            case .negative: add("未提示" + model.chineseName(of: finding.label) + "（阴性）")
            case .review: add(model.chineseName(of: finding.label) + "：不作判定，需人工阅片")
            }
        } else {
            add(finding.label)
            switch finding.call {
            case .negative where finding.interpretation == .review: add(", too near to the threshold to say: needs a human")
            case .positive: add(", suggested (positive)")
            case .negative: add(", not suggested (negative)")
            case .review: add(", not decided: needs a human")
            }
        }
        stop()
        writeScore(finding)
        if let frame = finding.frame {
            sentence("Highest in frame ", "评分最高帧：第 ")
            number(frame)
            say(".", " 帧。")
        }
        // Of a label that is called negative a place would be read as that of a finding.
        if finding.call != .negative, let location = finding.location { write(location) }
    }

    private mutating func writeScore(_ finding: Finding) {
        finding.isCalibrated ? sentence("Calibrated score ", "校准评分 ") : sentence("Score (not calibrated, no probability) ", "评分（未校准，不是概率）")
        number(finding.score)
        guard let threshold = finding.threshold else {
            say("; the label has no operating point.", "；该项未设工作点。")
            return
        }
        // Of an undecided label no side of the threshold is told: it would be read as a call.
        switch finding.call {
        case .positive: say(", at or above", "，达到")
        case .negative: say(", below", "，低于")
        case .review: say(";", "；")
        }
        if isChinese {
            add("工作点")
            writePointName(finding.operatingPoint)
            add("的阈值 ")
            number(threshold)
        } else {
            add(finding.call == .review ? " threshold " : " the threshold ")
            number(threshold)
            add(" of the operating point ")
            writePointName(finding.operatingPoint)
        }
        say("; confidence tier: ", "；把握度：")
        writeTier(finding.tier)
        stop()
    }

    mutating func writeTier(_ tier: Tier) {
        switch tier {
        case .high: say("high", "高")
        case .medium: say("medium", "中")
        case .review: say("review", "需复核")
        }
    }

    mutating func writePointName(_ name: String) {
        switch name {
        case "sensitivity-first" where isChinese: add("“灵敏度优先”")
        case "balanced" where isChinese: add("“均衡”")
        case "specificity-first" where isChinese: add("“特异度优先”")
        default: quote(name)
        }
    }

    private mutating func write(_ location: FindingLocation) {
        guard !location.regions.isEmpty else {
            return sentence("The map shows no place that counts more than others.", "热图未显示突出区域。")
        }
        sentence("Where the model looked most (a help to look, no outline of a lesion): ", "模型主要关注区域（仅供查看参考，不是病灶轮廓）：")
        for (index, region) in location.regions.enumerated() {
            if index > 0 { semicolon() }
            write(region)
        }
        stop()
    }

    private mutating func write(_ region: FindingRegion) {
        switch region.side {
        case .right?: say("patient's right, ", "患者右侧，")
        case .left?: say("patient's left, ", "患者左侧，")
        case nil: break
        }
        say("from column ", "起于第 ")
        number(region.box.x)
        say(", row ", " 列、第 ")
        number(region.box.y)
        say(": ", " 行，")
        number(region.box.width)
        add(" × ")
        number(region.box.height)
        say(" pixels", " 像素")
        if let size = region.millimetres {
            say(" (", "（")
            number(size.width)
            add(" × ")
            number(size.height)
            size.isAtDetector ? say(" mm at the detector)", " 毫米，探测器平面）") : say(" mm)", " 毫米）")
        }
        say(", share ", "，占比 ")
        number(region.share)
    }
}

extension ReportModel {
    func label(named name: String) -> ReportLabel? { labels.first { $0.name.utf8.elementsEqual(name.utf8) } }

    /// Empty where the file does not say.
    func structure(of name: String) -> String { label(named: name)?.structure ?? "" }

    /// The file's Chinese name, else the name as it is.
    func chineseName(of name: String) -> String {
        if let chinese = label(named: name)?.chineseName { return oneLine(chinese) }
        return "“" + oneLine(name) + "”"
    }
}
