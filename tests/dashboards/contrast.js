// The texts of the page whose contrast with their ground is below 4.5 to 1 (WCAG 2.2, 1.4.3).
(() => {
  const numbers = (color) => (color.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const ground = (element) => {
    const color = numbers(getComputedStyle(element).backgroundColor);
    return color.length < 4 || color[3] > 0 ? color : ground(element.parentElement);
  };
  const contrast = (element) => {
    const text = light(numbers(getComputedStyle(element).color));
    const [high, low] = [text, light(ground(element))].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const texts = [...document.querySelectorAll("header *, main *, nav *, footer *")].filter((element) =>
    !element.closest("svg") && [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim()));
  const weak = texts.filter((element) => contrast(element) < 4.5);
  return [...new Set(weak.map((element) => `${element.tagName}.${element.className} ${contrast(element).toFixed(2)}`))];
})();
