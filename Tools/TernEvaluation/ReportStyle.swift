/// The page's style: light and dark after the reader's setting, narrow screens, paper.
let reportStyle = """
    :root{color-scheme:light dark;--ground:#fdfdfc;--raised:#f4f4f1;--ink:#1b1d21;--soft:#5c626c;--rule:#dcdcd6;--accent:#1f5fae;--accent-soft:#1f5fae1f;
    --positive:#b4480f;--negative:#1f5fae;--warn:#8a1c12;--warn-ground:#fbeeec}
    @media(prefers-color-scheme:dark){:root{--ground:#15171a;--raised:#1e2125;--ink:#e8e8e4;--soft:#a2a8b2;--rule:#363b42;--accent:#82b1f2;
    --accent-soft:#82b1f22b;--positive:#f0a066;--negative:#82b1f2;--warn:#f4a79d;--warn-ground:#33201e}}
    *{box-sizing:border-box}
    body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
    main{max-width:66rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
    h1{font-size:1.9rem;line-height:1.2;margin:0 0 .35rem;font-weight:650;letter-spacing:-.01em}
    h2{font-size:1.2rem;margin:3rem 0 .6rem;padding-top:.9rem;border-top:1px solid var(--rule);font-weight:650}
    h3{font-size:1rem;margin:1.5rem 0 .4rem;font-weight:650}
    p{margin:.4rem 0;max-width:46rem}
    .eyebrow{color:var(--soft);font-size:.85rem;margin:0 0 .3rem}
    .about{color:var(--soft)}
    .about code{word-break:break-all}
    .warning{color:var(--warn);background:var(--warn-ground);border-left:4px solid currentColor;padding:.6rem 1rem;margin:1.25rem 0;border-radius:0 4px 4px 0}
    .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,11.5rem),1fr));gap:1px;background:var(--rule);border:1px solid var(--rule);
    border-radius:6px;overflow:hidden;margin:1.5rem 0 0}
    .tile{background:var(--ground);padding:.9rem 1rem 1rem;display:grid;grid-template-rows:1fr auto auto}
    .tile h3{margin:0;font-size:.85rem;font-weight:500;color:var(--soft)}
    .tile p{margin:.15rem 0 0;font-size:1.75rem;line-height:1.25;font-variant-numeric:tabular-nums;font-weight:600}
    .tile .interval{display:block;font-size:.82rem;font-weight:400}
    .tile svg{display:block;width:100%;height:10px;margin-top:.55rem}
    data{font-variant-numeric:tabular-nums;white-space:nowrap}
    .interval,.none{color:var(--soft);font-size:.86em;white-space:nowrap}
    td .interval{display:block}
    .scroll{overflow-x:auto;margin:.75rem 0;border-radius:4px}
    .scroll:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
    table{border-collapse:collapse;font-size:.92rem;min-width:100%}
    .caption{color:var(--soft);font-size:.85rem;margin:1rem 0 .25rem}
    .block .scroll,.confusion .scroll{margin:0 0 .75rem}
    th,td{padding:.42rem .9rem .42rem 0;border-bottom:1px solid var(--rule);text-align:right;vertical-align:baseline}
    th:first-child,td:first-child{text-align:left}
    thead th{color:var(--soft);font-weight:500;font-size:.85rem;border-bottom-color:var(--soft)}
    tbody th{font-weight:500;position:sticky;left:0;background:var(--ground)}
    td:last-child,th:last-child{padding-right:0}
    .confusion table{min-width:0}
    .confusion td{padding:.55rem .9rem;text-align:center;min-width:4.5rem;border:2px solid var(--ground);border-radius:6px}
    .confusion thead th{text-align:center;padding:.3rem .6rem}
    .confusion small{display:block;font-size:.78rem}
    .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,19rem),1fr));gap:1rem 2rem;align-items:start}
    figure{margin:.5rem 0;max-width:30rem}
    figcaption{color:var(--soft);font-size:.88rem;margin-bottom:.35rem}
    figcaption b{color:var(--ink);font-weight:600}
    figure svg{display:block;width:100%;height:auto}
    svg text{font-size:12px;fill:var(--soft);font-family:inherit}
    svg .name{font-size:12.5px}
    svg .label{fill:var(--ink);paint-order:stroke;stroke:var(--ground);stroke-width:4px;stroke-linejoin:round}
    svg .strong{font-weight:650}
    svg .grid{stroke:var(--rule);stroke-width:1}
    svg .axis{stroke:var(--soft);stroke-width:1}
    svg .chance{stroke:var(--soft);stroke-width:1;stroke-dasharray:3 4}
    svg .curve{fill:none;stroke:var(--accent);stroke-width:2;stroke-linejoin:round}
    svg .area{fill:var(--accent-soft);stroke:none}
    svg .thread{fill:none;stroke:var(--accent);stroke-width:1.25;stroke-opacity:.55}
    svg .leader{stroke:var(--soft);stroke-width:.75}
    svg .whisker{stroke:var(--ink);stroke-width:1;stroke-opacity:.6}
    svg .point{fill:var(--ground);stroke:var(--ink);stroke-width:1.75}
    svg .point.default{fill:var(--accent);stroke:var(--ground);stroke-width:1.25}
    svg .count{fill:var(--accent);fill-opacity:.2}
    svg .positive{fill:var(--positive)}
    svg .negative{fill:var(--negative)}
    svg .positive-text{fill:var(--positive)}
    svg .negative-text{fill:var(--negative)}
    svg .threshold{stroke:var(--ink);stroke-width:1;stroke-opacity:.55;stroke-dasharray:2 3}
    svg .threshold.default{stroke-opacity:1;stroke-dasharray:none}
    svg .track{fill:var(--rule)}
    svg .range{fill:var(--accent);fill-opacity:.45}
    svg .mark{fill:var(--accent)}
    ul{margin:.4rem 0;padding-left:1.2rem;max-width:46rem}
    li{margin:.25rem 0}
    dl{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.35rem 1.5rem;margin:.75rem 0}
    dt{color:var(--soft)}
    dd{margin:0;max-width:46rem}
    code,pre{font:.88em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
    pre{background:var(--raised);padding:.75rem 1rem;border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere}
    summary{cursor:pointer;color:var(--accent);margin:1rem 0 .25rem}
    footer{margin-top:3rem;padding-top:.9rem;border-top:1px solid var(--rule);color:var(--soft);font-size:.88rem}
    @media(max-width:30rem){main{padding:1.5rem 1rem 3rem}h1{font-size:1.5rem}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.6rem}
    th,td{padding-right:.6rem}.tiles{grid-template-columns:1fr 1fr}.tile{padding:.7rem .75rem}.tile p{font-size:1.4rem}.confusion td{min-width:3.6rem;padding:.5rem}}
    @media print{:root{color-scheme:light;--ground:#fff;--raised:#f4f4f1;--ink:#000;--soft:#444;--rule:#bbb;--accent:#1f5fae;--accent-soft:#1f5fae1f;
    --positive:#b4480f;--negative:#1f5fae;--warn:#8a1c12;--warn-ground:#fff}body{font-size:10.5pt}main{max-width:none;padding:0}
    *{-webkit-print-color-adjust:exact;print-color-adjust:exact}h2{margin-top:1.5rem}h2,h3,figcaption,.caption{break-after:avoid}
    figure,.tile,tr,li{break-inside:avoid}.scroll{overflow:visible}.pair{grid-template-columns:1fr 1fr}}
    """
