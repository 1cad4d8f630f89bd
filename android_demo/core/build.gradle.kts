plugins {
    alias(libs.plugins.kotlin.jvm)
}

java {
    sourceCompatibility = JavaVersion.VERSION_1_8
    targetCompatibility = JavaVersion.VERSION_1_8
}

kotlin {
    compilerOptions {
        jvmTarget.set(org.jetbrains.kotlin.gradle.dsl.JvmTarget.JVM_1_8)
        allWarningsAsErrors.set(true)
        freeCompilerArgs.add("-Xjdk-release=8") // Android 8 has no more of Java than this
    }
}

dependencies {
    testImplementation(libs.junit)
}

tasks.test {
    // Where `edgekit bundle --into android_demo` puts it; the shared vectors are skipped without.
    systemProperty("edgekit.bundle", rootProject.file("app/src/main/assets/edgekit").path)
    // What every platform's code is held to; skipped where the app was copied without edgekit's tests.
    systemProperty("edgekit.vectors", rootProject.file("../tests/shared").path)
}
