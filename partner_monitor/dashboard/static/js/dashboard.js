// Draws the charts that the page describes, and puts times into the reader's zone.
(function () {
    "use strict";

    function localTimes() {
        const shown = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" });
        document.querySelectorAll("time[datetime]").forEach(function (time) {
            const instant = new Date(time.dateTime);
            if (!isNaN(instant)) time.textContent = shown.format(instant);
        });
    }

    // The library writes some labels as markup. A "<" begins a tag only before these characters:
    // what a page said stays text, and "<5" stays as it is.
    function harmless(text) {
        return String(text).replace(/<(?=[a-z/!?])/gi, "‹");
    }

    function whole(value) {
        return Number.isInteger(+value) ? (+value).toLocaleString("en") : "";
    }

    // One axis for all on the left, and one on the right for what is of another size.
    function axis(one, n, all) {
        const first = all.find((other) => other.right === one.right);
        return {
            seriesName: harmless(first.name),
            show: one === first,
            opposite: one.right,
            title: { text: one.right ? harmless(one.name) : undefined },
            forceNiceScale: true,
            labels: { formatter: whole },
        };
    }

    const TYPES = { bars: "bar", columns: "bar", area: "area", steps: "line" };

    function options(chart, height) {
        const dark = document.documentElement.dataset.bsTheme === "dark";
        const overTime = chart.kind === "area" || chart.kind === "steps";
        const lying = chart.kind === "bars";
        const outline = dark ? "#9fb0c3" : "#5b6b7c";
        const columns = Math.min(70, 8 * chart.categories.length);
        const series = chart.series.map(function (one) {
            return {
                name: harmless(one.name),
                type: chart.series.some((other) => other.line) ? (one.line ? "line" : "bar") : undefined,
                data: overTime
                    ? one.data.map((value, n) => [Date.parse(chart.categories[n]), value])
                    : one.data,
            };
        });
        return {
            series: series,
            colors: chart.series.map((one) => one.colour),
            chart: {
                type: TYPES[chart.kind],
                stacked: chart.kind !== "steps",
                height: height,
                fontFamily: "inherit",
                background: "transparent",
                foreColor: dark ? "#dce1e7" : "#374151",
                animations: { enabled: false },
                toolbar: { show: false },
                zoom: { enabled: false },
                events: {
                    dataPointSelection: function (event, context, point) {
                        const links = chart.series[point.seriesIndex].links;
                        if (links.length) window.location = links[point.dataPointIndex];
                    },
                    dataPointMouseEnter: function (event, context, point) {
                        const links = chart.series[point.seriesIndex].links;
                        event.target.style.cursor = links.length ? "pointer" : "default";
                    },
                },
            },
            theme: { mode: dark ? "dark" : "light" },
            plotOptions: { bar: { horizontal: lying, barHeight: "70%", columnWidth: columns + "%" } },
            // Every colour has an outline: it is to be seen on any ground.
            stroke: {
                width: chart.series.map((one) => (one.line || chart.kind === "steps" ? 2 : 1)),
                colors: overTime
                    ? undefined
                    : chart.series.map((one) => (one.line ? one.colour : outline)),
                curve: chart.kind === "steps" ? "stepline" : "straight",
            },
            fill: { opacity: chart.kind === "area" ? 0.9 : 1, type: "solid" },
            markers: { size: chart.categories.length === 1 || chart.kind === "columns" ? 4 : 0 },
            dataLabels: {
                enabled: lying,
                style: { colors: chart.series.map((one) => one.ink), fontWeight: 500 },
                dropShadow: { enabled: false },
                background: { enabled: false },
                // What is narrower than its number would run into the next one.
                formatter: function (value, point) {
                    const width = (value / point.w.globals.maxY) * point.w.globals.gridWidth;
                    return value && width > 8 * String(value).length + 2 ? value : "";
                },
            },
            xaxis: overTime
                ? { type: "datetime" }
                : {
                      categories: chart.categories.map(harmless),
                      labels: lying ? { formatter: whole } : {},
                  },
            yaxis: lying ? { labels: { maxWidth: 150 } } : chart.series.map(axis),
            annotations: {
                xaxis: chart.marks.map(function (mark, n) {
                    return {
                        x: Date.parse(mark.at),
                        borderColor: outline,
                        label: {
                            text: harmless(mark.text),
                            orientation: "horizontal",
                            textAnchor: "start",
                            offsetY: 18 * (n % 3), // those that are close do not hide each other
                            style: { color: "#111", background: "#e5e7eb" },
                        },
                    };
                }),
            },
            tooltip: { x: overTime ? { format: "yyyy-MM-dd" } : {}, shared: !lying, intersect: lying },
            legend: { position: "top", horizontalAlign: "left", showForSingleSeries: true },
            grid: { borderColor: dark ? "#33445a" : "#e5e7eb" },
            noData: { text: "Nothing to show" },
        };
    }

    function draw() {
        document.querySelectorAll("[data-chart]").forEach(function (element) {
            if (element.drawn) element.drawn.destroy();
            const chart = JSON.parse(element.dataset.chart);
            element.drawn = new window.ApexCharts(element, options(chart, +element.dataset.height));
            element.drawn.render();
        });
    }

    localTimes();
    if (window.ApexCharts) {
        draw();
        document.addEventListener("themechange", draw);
    }
})();
