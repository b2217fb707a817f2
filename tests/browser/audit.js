// What a machine can see of WCAG 2.2 AA, of all that is on the page now: a sentence for each fault.
() => {
  const faults = [];
  const seen = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const label = (element) => `<${element.tagName.toLowerCase()} class="${element.getAttribute("class") ?? ""}"> ${(element.textContent ?? "").trim().slice(0, 40)}`;
  const byId = (ids) => ids.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ");
  const name = (element) => (element.getAttribute("aria-labelledby") ? byId(element.getAttribute("aria-labelledby")) : element.getAttribute("aria-label")
    ?? ([...(element.labels ?? [])].map((one) => one.textContent).join(" ") || element.getAttribute("title") || element.textContent || element.querySelector?.("img")?.alt || "")).trim();

  if (!document.documentElement.lang) faults.push("the page says no language");
  if (!document.title) faults.push("the page has no title");
  if (document.querySelectorAll("main").length !== 1) faults.push("not exactly one main");
  if ([...document.querySelectorAll("h1")].filter(seen).length !== 1) faults.push("not exactly one h1");
  let level = 0;
  for (const heading of [...document.querySelectorAll("h1,h2,h3,h4")].filter(seen)) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) faults.push(`heading skips a level: ${label(heading)}`);
    level = own;
  }
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  ids.filter((id, at) => ids.indexOf(id) !== at).forEach((id) => faults.push(`the id ${id} is there twice`));
  for (const image of document.querySelectorAll("img")) if (!image.hasAttribute("alt")) faults.push(`no alt: ${image.src}`);
  for (const picture of document.querySelectorAll("svg")) {
    if (!picture.closest("[aria-label]") && !picture.closest("[aria-hidden]")) faults.push("a picture without a name");
  }
  const active = "a[href],button,input,select,textarea,summary,[tabindex],[role=button],[role=gridcell]";
  for (const element of [...document.querySelectorAll(active)].filter(seen)) {
    if (!name(element)) faults.push(`no name: ${label(element)}`);
    if (Number(element.getAttribute("tabindex")) > 0) faults.push(`its own tab order: ${label(element)}`);
    const box = element.getBoundingClientRect();
    const small = box.width < 24 || box.height < 24;
    const inText = ["inline", "inline-block"].includes(getComputedStyle(element).display) && element.parentElement.textContent.trim() !== element.textContent.trim();
    if (small && !inText && box.width > 1 && element.type !== "checkbox" && element.tabIndex >= 0 && element.tagName !== "H1") faults.push(`a small target, ${Math.round(box.width)} x ${Math.round(box.height)}: ${label(element)}`);
  }
  for (const [parent, child] of [["grid", "row"], ["row", "gridcell,columnheader,rowheader"]]) {
    for (const element of document.querySelectorAll(`[role=${parent}]`)) {
      if (!child.split(",").some((one) => element.querySelector(`[role=${one}]`))) faults.push(`a ${parent} without ${child}`);
    }
  }
  for (const element of document.querySelectorAll("[aria-labelledby],[aria-describedby]")) {
    for (const id of `${element.getAttribute("aria-labelledby") ?? ""} ${element.getAttribute("aria-describedby") ?? ""}`.split(/\s+/).filter(Boolean)) {
      if (!document.getElementById(id)) faults.push(`nothing has the id ${id}`);
    }
  }

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const luminance = ([r, g, b]) => [r, g, b].map((one) => one / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)).reduce((sum, one, i) => sum + one * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] > 0) layers.push(color);
      if (color[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const told = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !seen(element) || element.closest(".unseen,.skip,:disabled,svg,noscript,option,datalist")) continue;
    const style = getComputedStyle(element);
    const below = ground(element);
    const above = over(rgba(style.color), below);
    const [light, dark] = [luminance(above), luminance(below)].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const sentence = `contrast ${ratio.toFixed(2)}: ${element.tagName.toLowerCase()}.${element.className}`;
    if (ratio < (large ? 3 : 4.5) && !told.has(sentence)) {
      told.add(sentence);
      faults.push(`${sentence} ${walker.currentNode.textContent.trim().slice(0, 30)}`);
    }
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push(`scrolls sideways: ${document.documentElement.scrollWidth} in ${innerWidth}`);
  return faults;
}
