# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# One plot. figures.c puts in front of it what differs:
#	heading, x_label, y_label, log_x, log_y, bars	of the plot
#	n, label[n]						its series
#	$line, $runs		a block for each series: medians (x, y, lower part of a bar), and runs (x, y)
reset
set terminal svg size 700,400 noenhanced font 'sans-serif,14'
set output
set key outside right top
set grid lc rgb '#dddddd'
set title heading
set xlabel x_label
set ylabel y_label

# Each can be told from a white page and from a dark one.
colours = '#3a86d8 #d2691e #2f9e64 #c2569a #a8861a #1f9aa8 #8e6bd8 #8a8a8a'
# Series of two sweeps, "single (A)" and "single (B)", have one colour, and B has dashes.
is_b(i) = strstrt(label[i + 1], ' (B)') > 0
name(i) = label[i + 1][1:strlen(label[i + 1]) - (is_b(i) || strstrt(label[i + 1], ' (A)') ? 4 : 0)]
array hue[n]
do for [i = 0:n - 1] {
	hue[i + 1] = i
	do for [k = 0:i - 1] { if (name(k) eq name(i)) { hue[i + 1] = hue[k + 1] } }
}
colour(i) = word(colours, hue[i + 1] % 8 + 1)
dashes(i) = is_b(i) ? 2 : 1 + hue[i + 1] / 8 * 2

# Series stand side by side, so that their runs can be told apart.
x_values = ''
stats $line using (x_values = x_values . ' ' . strcol(1), $1) name 'X' nooutput
stats $runs using 2 name 'Y' nooutput
width = X_max - X_min
span = log_x ? 2 * X_max / X_min : width + 0.5
place(i) = i - (n - 1) / 2.
beside(x, i) = log_x ? x * exp(place(i) * 0.006 * log(span)) : x + place(i) * 0.008 * span

# A mark at each value that was measured, and some room beside the first and the last.
mark(x) = x >= 1e6 ? sprintf('%gM', x / 1e6) : x >= 1e4 ? sprintf('%gk', x / 1e3) : sprintf('%g', x)

if (bars) {
	set yrange [0:*]
	set style fill solid 0.8 noborder
	set boxwidth 0.6
	set xtics () rotate by -20
	do for [i = 0:n - 1] { set xtics add (label[i + 1] i) }
	set xrange [-0.6:n - 0.4]
	plot for [i = 0:n - 1] $line index i using (i):2 with boxes lc rgb '#3a86d8' \
			title i ? '' : 'user space', \
		for [i = 0:n - 1] $line index i using (i):3 with boxes lc rgb '#a8861a' \
			title i ? '' : 'rings', \
		for [i = 0:n - 1] $runs index i using (i):2 with points lc rgb '#8a8a8a' pt 7 ps 0.4 \
			notitle
} else {
	set xtics ()
	do for [x in x_values] { set xtics add (mark(real(x)) real(x)) }
	if (log_x) {
		set logscale x
		set xrange [X_min / 1.5:X_max * 1.5]
	} else {
		set xrange [X_min - 0.08 * width - 0.2:X_max + 0.08 * width + 0.2]
	}
	# From 0, where the axis is not logarithmic; also where everything is 0.
	if (log_y) { set logscale y } else { if (Y_max > 0) { set yrange [0:*] } else { set yrange [0:1] } }
	plot for [i = 0:n - 1] $line index i using (beside($1, i)):2 smooth unique with linespoints \
			lc rgb colour(i) lw 1.5 pt 4 + i % 10 ps 0.6 dt dashes(i) title label[i + 1], \
		for [i = 0:n - 1] $runs index i using (beside($1, i)):2 with points \
			lc rgb colour(i) pt 7 ps 0.4 notitle
}
