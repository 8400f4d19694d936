"""A headless Chromium that records what the page says on its console and what it asks the network for."""

import base64
import json
import pathlib
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import axe_core_python

AXE = (pathlib.Path(axe_core_python.__file__).parent / "axe.min.js").read_text()


class Browser:
    def __init__(self, downloads):
        options = webdriver.ChromeOptions()
        # In a container, root has no sandbox to give and /dev/shm is small; what the tests open is their own.
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars", "--lang=en-US"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        options.binary_location = "/usr/bin/chromium"
        self.downloads = downloads
        self.script = None
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))

    def command(self, name, **arguments):
        return self.driver.execute_cdp_cmd(name, arguments)

    def quit(self):
        self.driver.quit()

    def shape(self, width, height, dark=False):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, path, language="en", prepare=None):
        """Opens a file with an empty storage, or with what `prepare`, a script that runs before the page, makes of it."""
        script = f"""Object.defineProperty(navigator, 'language', {{ get: () => '{'zh-CN' if language == 'zh' else 'en-GB'}' }}); """ + (prepare or "")
        # Only for the first load: what the page stores is there when it is loaded again.
        clear = self.command("Page.addScriptToEvaluateOnNewDocument", source="localStorage.clear()")["identifier"]
        self.script = self.command("Page.addScriptToEvaluateOnNewDocument", source=script)["identifier"]
        self.driver.get(path.as_uri())
        self.command("Page.removeScriptToEvaluateOnNewDocument", identifier=clear)
        self.console, self.requests = [], []

    def reload(self):
        # Chromium writes what a page stores behind its back, and says nothing when that is done.
        time.sleep(0.5)
        self.driver.refresh()

    def close_page(self):
        """Ends a page: it has said nothing on the console and asked for nothing but files beside it."""
        if self.script is None:
            return
        self.read_logs()
        self.command("Page.removeScriptToEvaluateOnNewDocument", identifier=self.script)
        self.script = None
        self.driver.get("about:blank")
        console, requests = self.console, self.requests
        self.driver.get_log("browser"), self.driver.get_log("performance")
        assert console == [], console
        strangers = [address for address in requests if address.split(":")[0] not in ("file", "data", "blob", "about")]
        assert strangers == [], strangers

    def read_logs(self):
        self.console += [entry["message"] for entry in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        return self.run("return [...document.querySelectorAll(arguments[0])].map(node => node.innerText.trim())", selector)

    def text(self, selector):
        return self.texts(selector)[0]

    def click(self, selector):
        self.one(selector).click()

    def press(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def chord(self, modifier, key):
        ActionChains(self.driver).key_down(modifier).send_keys(key).key_up(modifier).perform()

    def drag(self, selector, across, down):
        ActionChains(self.driver, duration=20).click_and_hold(self.one(selector)).move_by_offset(across, down).release().perform()

    def choose(self, selector, value):
        self.run("const node = document.querySelector(arguments[0]); node.value = arguments[1]; node.dispatchEvent(new Event('input', { bubbles: true }));"
                 "node.dispatchEvent(new Event('change', { bubbles: true }))", selector, value)

    def until(self, script, seconds=5):
        """Waits until a script gives something true, and returns it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = self.run(script)
            if value:
                return value
            self.driver.execute_async_script("requestAnimationFrame(arguments[0])")
        raise AssertionError(f"never true: {script}")

    def downloaded(self, pattern, seconds=5):
        """Waits for a file, and takes it away."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for path in self.downloads.glob(pattern):
                content = path.read_bytes()
                path.unlink()
                return content
            self.driver.execute_async_script("requestAnimationFrame(arguments[0])")
        raise AssertionError(f"no {pattern} in {self.downloads}")

    def violations(self, part="html"):
        """What axe says of a part of the page as it stands: one line for each rule and place."""
        self.run(f"if (!window.axe) {{ {AXE} }}")
        found = self.driver.execute_async_script(
            "const [part, done] = arguments; axe.run(part, { resultTypes: ['violations'], elementRef: false, preload: false })"
            ".then(result => done(result.violations), error => done([{ id: String(error), nodes: [] }]))", part)
        return [f"{rule['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}" for rule in found for node in rule["nodes"] or [{"html": ""}]]

    def pdf(self):
        return base64.b64decode(self.command("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])

    def picture(self, path):
        path.write_bytes(base64.b64decode(self.command("Page.captureScreenshot", format="png")["data"]))


__all__ = ["Browser", "Keys"]
