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

    // The library writes labels as markup in places: what a page said must stay text there.
    function harmless(text) {
        return String(text).replace(/[<>&"']/g, function (mark) {
            return { "<": "‹", ">": "›", "&": "＆", '"': "”", "'": "’" }[mark];
        });
    }

    const TYPES = { bars: "bar", columns: "bar", area: "area", steps: "line" };

    function options(chart, height) {
        const dark = document.documentElement.dataset.bsTheme === "dark";
        const overTime = chart.kind === "area" || chart.kind === "steps";
        const lying = chart.kind === "bars";
        const categories = chart.categories.map(harmless);
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
            plotOptions: { bar: { horizontal: lying, barHeight: "70%", columnWidth: "70%" } },
            // Every colour has an outline: it is to be seen on any ground.
            stroke: lying || chart.kind === "columns"
                ? { width: chart.series.map((one) => (one.line ? 2 : 1)), colors: chart.series.map((one) => (one.line ? one.colour : dark ? "#9fb0c3" : "#5b6b7c")) }
                : { width: chart.kind === "area" ? 1 : 2, curve: chart.kind === "steps" ? "stepline" : "straight" },
            fill: { opacity: chart.kind === "area" ? 0.9 : 1, type: "solid" },
            markers: { size: chart.kind === "steps" && chart.categories.length === 1 ? 4 : 0 },
            dataLabels: {
                enabled: lying,
                style: { colors: ["#111"], fontWeight: 500 },
                dropShadow: { enabled: false },
                background: { enabled: false },
                formatter: (value) => value || "",
            },
            xaxis: overTime
                ? { type: "datetime" }
                : { categories: categories, labels: lying ? { formatter: (value) => Number.isInteger(+value) ? value : "" } : {} },
            yaxis: lying
                ? { labels: { maxWidth: 150 } }
                : { labels: { formatter: (value) => (value === null ? "" : Math.round(value).toLocaleString("en")) }, forceNiceScale: true },
            annotations: {
                xaxis: chart.marks.map(function (mark) {
                    return {
                        x: Date.parse(mark.at),
                        borderColor: dark ? "#9fb0c3" : "#5b6b7c",
                        label: { text: harmless(mark.text), orientation: "horizontal", style: { color: "#111", background: "#e5e7eb" } },
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
